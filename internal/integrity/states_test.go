package integrity

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// The states that fit material (present, missing or none), a deletion date, and the origin of a key.
func TestStatesThatFit(t *testing.T) {
	here, missing := key.Material{ID: "m", Sealed: []byte("x"), Slot: "s"}, key.Material{ID: "n"}
	date := time.Unix(5000, 0)
	materials := map[string][]key.Material{"present": {here}, "missing": {missing}, "some": {here, missing}, "none": nil}
	fits := map[string]string{ // by state, and whether the key has a deletion date: the materials that fit
		"Enabled false": "present", "Disabled false": "present", "PendingImport false": "missing some none",
		"PendingDeletion true": "present missing some none", "PendingReplicaDeletion false": "present missing some none",
		"Gone false": "none", "Gone true": "none",
	}
	for _, state := range []key.State{key.Enabled, key.Disabled, key.PendingImport, key.PendingDeletion, key.PendingReplicaDeletion, key.Gone, "", "Asleep"} {
		for _, deleted := range []bool{false, true} {
			for name, m := range materials {
				k := key.Key{State: state, Origin: key.OriginExternal, Materials: m, Region: "r"}
				k.MultiRegion = key.MultiRegion{Primary: "r", Replicas: []key.Replica{{Region: "s"}}}
				if deleted {
					k.DeletionDate = date
				}
				want := strings.Contains(" "+fits[fmt.Sprint(string(state)+" ", deleted)]+" ", " "+name+" ")
				if err := checkState(k); (err == nil) != want {
					t.Errorf("%q with %s material, deleted %v: %v", state, name, deleted, err)
				}
			}
		}
	}
	replicas := key.MultiRegion{Primary: "r", Replicas: []key.Replica{{Region: "s"}}}
	for name, k := range map[string]key.Key{
		"an import that the server's own key waits for": {State: key.PendingImport, Origin: key.OriginAWSKMS},
		"a wait for replicas in a replica":              {State: key.PendingReplicaDeletion, Region: "s", MultiRegion: replicas},
		"a wait for no replicas":                        {State: key.PendingReplicaDeletion, Region: "r", MultiRegion: key.MultiRegion{Primary: "r"}},
		"material that waits in a key that is gone":     {State: key.Gone, Pending: &missing},
	} {
		if checkState(k) == nil {
			t.Errorf("%s fits", name)
		}
	}
	k := key.Key{State: key.PendingDeletion, DeletionDate: date}
	for _, listed := range []time.Time{{}, date.Add(-1), date} {
		if k.Listed = listed; checkListed(k) != nil {
			t.Errorf("listed at %v: %v", listed, checkListed(k))
		}
	}
	if k.Listed = date.Add(1); checkListed(k) == nil {
		t.Error("listed later than it is due")
	}
	if checkListed(key.Key{Listed: date}) != nil {
		t.Error("a key that is not due any more is listed too late")
	}
}

// The rotations that a key can have had, and can plan.
func TestRotationsThatArePossible(t *testing.T) {
	date := time.Unix(5000, 0)
	material := func(i int, of key.RotationType) key.Material {
		m := key.Material{ID: fmt.Sprint(i), Sealed: []byte("x"), Slot: fmt.Sprint(i)}
		if of != "" {
			m.RotationType, m.RotationDate = of, date
		}
		return m
	}
	own := func(more ...key.Material) key.Key {
		return key.Key{
			Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt, Origin: key.OriginAWSKMS, State: key.Enabled,
			Materials: append([]key.Material{material(0, "")}, more...),
		}
	}
	times := func(n int, of key.RotationType) (all []key.Material) {
		for i := range n {
			all = append(all, material(i+1, of))
		}
		return all
	}
	planned := func(period int, next time.Time) key.Key {
		k := own()
		k.Rotation = key.Rotation{PeriodInDays: period, Next: next}
		return k
	}
	with := func(k key.Key, change func(*key.Key)) key.Key { change(&k); return k }
	imported := func(k *key.Key) { k.Origin = key.OriginExternal }
	waiting := func(m key.Material) func(k *key.Key) { return func(k *key.Key) { imported(k); k.Pending = &m } }
	typed, dated := material(1, key.RotationOnDemand), material(1, key.RotationOnDemand)
	typed.RotationDate, dated.RotationType = time.Time{}, ""
	replica := func(k *key.Key) { k.Region, k.MultiRegion = "s", key.MultiRegion{Primary: "r"} }
	for name, test := range map[string]struct {
		k    key.Key
		want string // "" means possible
	}{
		"no rotation":                  {own(), ""},
		"25 rotations on demand":       {own(times(25, key.RotationOnDemand)...), ""},
		"26 rotations on demand":       {own(times(26, key.RotationOnDemand)...), "26 rotations on demand"},
		"30 automatic rotations":       {own(times(30, key.RotationAutomatic)...), ""},
		"a second without a rotation":  {own(material(1, "")), "material 1 is in a place"},
		"a rotation without a date":    {own(typed), "material 1 is in a place"},
		"a rotation without a type":    {own(dated), "material 1 is in a place"},
		"material twice":               {own(material(0, key.RotationOnDemand)), "material 0 is listed twice"},
		"a period of 90 days":          {planned(90, date), ""},
		"a period of 2560 days":        {planned(2560, date), ""},
		"a period of 89 days":          {planned(89, date), "a rotation period of 89 days"},
		"a period of 2561 days":        {planned(2561, date), "a rotation period of 2561 days"},
		"a plan without a date":        {planned(90, time.Time{}), "a rotation period of 90 days"},
		"a date without a period":      {planned(0, date), "a rotation period of 0 days"},
		"material that waits":          {with(own(), waiting(material(1, ""))), ""},
		"rotated material that waits":  {with(own(), waiting(material(1, key.RotationOnDemand))), "material 1 is in a place"},
		"known material that waits":    {with(own(), waiting(material(0, ""))), "material 0 is listed twice"},
		"missing material that waits":  {with(own(), waiting(key.Material{ID: "1"})), "material 1 cannot wait"},
		"a replica waits for its own":  {with(with(own(), waiting(key.Material{ID: "1"})), replica), ""},
		"the server's material waits":  {with(own(), func(k *key.Key) { m := material(1, ""); k.Pending = &m }), "material 1 cannot wait"},
		"only material that waits":     {with(own(), func(k *key.Key) { m := k.Materials[0]; imported(k); k.Pending, k.Materials = &m, nil }), "material 0 cannot wait"},
		"a plan in a replica":          {with(planned(90, date), replica), "a rotation is planned here, and not in the primary key in r"},
		"a plan for imported material": {with(planned(90, date), imported), "a key of the spec SYMMETRIC_DEFAULT and the origin EXTERNAL cannot"},
		"a rotated signing key":        {with(own(times(1, key.RotationOnDemand)...), func(k *key.Key) { k.Spec, k.Usage = "RSA_2048", key.SignVerify }), "a key of the spec RSA_2048 and the origin AWS_KMS cannot"},
		"a signing key":                {with(own(), func(k *key.Key) { k.Spec, k.Usage = "RSA_2048", key.SignVerify }), ""},
	} {
		err := checkRotations(test.k)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// limitDamages are records just within and just beyond a rule, with all findings of each.
var limitDamages = map[string]struct {
	do   func(w *damageTest, tx *store.Tx) error
	want []string
}{
	"an account of another form": {func(_ *damageTest, tx *store.Tx) error {
		return records.Accounts.Put(tx, "x", identity.Account{ID: "x"})
	}, []string{"account/x: its content belongs"}},
	"two access keys": {func(w *damageTest, tx *store.Tx) error { return withAccessKeys(tx, 2) }, nil},
	"three access keys": {func(w *damageTest, tx *store.Tx) error { return withAccessKeys(tx, 3) },
		[]string{"user/.*/alice: it has 3 access keys"}},
	"an access key of another account": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(withAccessKeys(tx, 1), records.AccessKeys.Put(tx, "AKIA1", identity.StoredKey{Account: "444455556666", Secret: "s", User: "Alice"}))
	}, []string{"access-key/AKIA1: the user \"Alice\" does not have it", "user/.*/alice: its access key AKIA1 is missing, or belongs to another user"}},
	"an access key of another user": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(withAccessKeys(tx, 1), records.AccessKeys.Put(tx, "AKIA1", identity.StoredKey{Account: testAccount, Secret: "s"}))
	}, []string{"user/.*/alice: its access key AKIA1 is missing, or belongs to another user"}},
	"an access key without a secret": {func(w *damageTest, tx *store.Tx) error {
		return records.AccessKeys.Put(tx, "AKIA2", identity.StoredKey{Account: testAccount})
	}, []string{"access-key/AKIA2: its content belongs"}},
	"an access key without an account": {func(w *damageTest, tx *store.Tx) error {
		return records.AccessKeys.Put(tx, "AKIA2", identity.StoredKey{Secret: "s"})
	}, []string{"access-key/AKIA2: its content belongs"}},
	"a use of an access key at no time": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(withAccessKeys(tx, 1), records.AccessKeyUsages.Put(tx, "AKIA1", records.Usage{Operation: "Decrypt"}))
	}, []string{"access-key-usage/AKIA1: its content belongs"}},
	"a user of an invalid name": {func(w *damageTest, tx *store.Tx) error {
		return records.Users.Put(tx, testAccount+"/b/b", identity.User{Entity: identity.Entity{Account: testAccount, Name: "b/b"}})
	}, []string{"user/.*/b/b: its content belongs"}},
	"a policy of an invalid name": {func(w *damageTest, tx *store.Tx) error {
		return records.ManagedPolicies.Put(tx, testAccount+"/b/b", identity.ManagedPolicy{Account: testAccount, Name: "b/b"})
	}, []string{"managed-policy/.*/b/b: its content belongs"}},
	"a provider without an issuer": {func(w *damageTest, tx *store.Tx) error {
		return records.OIDCProviders.Put(tx, testAccount+"/", identity.OIDCProvider{Account: testAccount})
	}, []string{"oidc-provider/.*/: its content belongs"}},

	"a key with a bad ID": {func(w *damageTest, tx *store.Tx) error {
		k := w.empty
		k.ID = "x"
		return errors.Join(records.Keys.Put(tx, records.PathOf(k), k), records.KeyTexts.Put(tx, records.PathOf(k), key.Text{Policy: "{}"}))
	}, []string{"key/.*/x: its content belongs"}},
	"a key of a spec that there is not": {func(w *damageTest, tx *store.Tx) error {
		k := w.empty
		k.Spec = "DES"
		return records.Keys.Put(tx, records.PathOf(k), k)
	}, []string{"key/EMPTY: UnsupportedOperationException: Keys of the spec DES are not supported"}},
	"an alias without its prefix": {func(w *damageTest, tx *store.Tx) error {
		a := w.alias("one", w.enabled)
		a.Name = "one"
		return records.Aliases.Put(tx, "x/y/z", a)
	}, []string{"alias/x/y/z: its content belongs"}},
	"a due time without a key": {func(w *damageTest, tx *store.Tx) error {
		return records.Dues.Put(tx, "000000000001", struct{}{})
	}, []string{"due/000000000001: its content belongs"}},
	"a use without an event": {func(w *damageTest, tx *store.Tx) error {
		return records.Usages.Put(tx, records.PathOf(w.enabled), records.Usage{Operation: "Encrypt", Time: time.Now()})
	}, []string{`usage/ENABLED: "Encrypt" is not a use of a key`}},
	"a use at no time": {func(w *damageTest, tx *store.Tx) error {
		return records.Usages.Put(tx, records.PathOf(w.enabled), records.Usage{Operation: "Encrypt", EventID: "x"})
	}, []string{`usage/ENABLED: "Encrypt" is not a use of a key`}},
	"a warning a second ahead": {func(w *damageTest, tx *store.Tx) error {
		return putWarning(tx, records.PathOf(w.enabled), "m", records.WarnedMaterial{ValidTo: time.Now(), AheadSeconds: 1})
	}, nil},
	"a warning of no time ahead": {func(w *damageTest, tx *store.Tx) error {
		return putWarning(tx, records.PathOf(w.enabled), "m", records.WarnedMaterial{ValidTo: time.Now()})
	}, []string{"expiry-warning/ENABLED: this is not a warning about a material"}},
	"a warning of no expiry": {func(w *damageTest, tx *store.Tx) error {
		return putWarning(tx, records.PathOf(w.enabled), "m", records.WarnedMaterial{AheadSeconds: 1})
	}, []string{"expiry-warning/ENABLED: this is not a warning about a material"}},
	"a warning of no material": {func(w *damageTest, tx *store.Tx) error {
		return putWarning(tx, records.PathOf(w.enabled), "", records.WarnedMaterial{ValidTo: time.Now(), AheadSeconds: 1})
	}, []string{"expiry-warning/ENABLED: this is not a warning about a material"}},
	"notices": {func(_ *damageTest, tx *store.Tx) error {
		return errors.Join(records.Notices.Put(tx, "certificate/ab12", records.Notice{Threshold: 1}), records.Notices.Put(tx, "root-key/1", records.Notice{Threshold: 1}),
			records.Notices.Put(tx, "disk/NODE", records.Notice{Threshold: 1}))
	}, nil},
	"a notice of no threshold": {func(_ *damageTest, tx *store.Tx) error {
		return records.Notices.Put(tx, "certificate/ab12", records.Notice{})
	}, []string{"notice/certificate/ab12: its content belongs to another path"}},
	"a notice of no name": {func(_ *damageTest, tx *store.Tx) error {
		return records.Notices.Put(tx, "disk/", records.Notice{Threshold: 1})
	}, []string{"notice/disk/: its content belongs to another path"}},
	"a notice of another subject": {func(_ *damageTest, tx *store.Tx) error {
		return records.Notices.Put(tx, "key/1", records.Notice{Threshold: 1})
	}, []string{"notice/key/1: its content belongs to another path"}},
	"a warning without a key": {func(_ *damageTest, tx *store.Tx) error {
		return putWarning(tx, "x/y/z", "m", records.WarnedMaterial{ValidTo: time.Now(), AheadSeconds: 1})
	}, []string{"expiry-warning/x/y/z: there is no such key"}},
	"the clock as it is": {func(w *damageTest, tx *store.Tx) error {
		return records.Clocks.Put(tx, records.ClockPath, records.Clock{})
	}, nil},
	"the clock 200 years ahead": {func(w *damageTest, tx *store.Tx) error {
		return records.Clocks.Put(tx, records.ClockPath, records.Clock{OffsetNanos: 200 * 365 * 24 * 3600 * 1e9})
	}, nil},
	"the clock further ahead": {func(w *damageTest, tx *store.Tx) error {
		return records.Clocks.Put(tx, records.ClockPath, records.Clock{OffsetNanos: 200*365*24*3600*1e9 + 1})
	}, []string{"clock/dev: its content belongs"}},
	"a second clock": {func(w *damageTest, tx *store.Tx) error { return records.Clocks.Put(tx, "x", records.Clock{}) },
		[]string{"clock/x: its content belongs"}},
	"a deployment of another form": {func(w *damageTest, tx *store.Tx) error {
		return records.Deployments.Put(tx, records.DeploymentPath, records.Deployment{Account: "x"})
	}, []string{"deployment/this: its content belongs"}},
	"two Regions": {func(w *damageTest, tx *store.Tx) error {
		return records.ServedRegions.Put(tx, records.ServedPath, records.Served{Regions: []string{"eu-west-2", "us-east-1"}})
	}, nil},
	"one Region of two": {func(w *damageTest, tx *store.Tx) error {
		return records.ServedRegions.Put(tx, records.ServedPath, records.Served{Regions: []string{"eu-west-2", "x"}})
	}, []string{"regions/served: its content belongs"}},
	"a sole node with a slash": {func(w *damageTest, tx *store.Tx) error {
		return records.SoleNodes.Put(tx, records.SoleNodePath, records.SoleNode{ID: "a/b"})
	}, []string{"sole-node/this: its content belongs"}},
	"a fence": {func(w *damageTest, tx *store.Tx) error {
		return records.Fences.Put(tx, "NODE", records.Fence{Incarnation: "x"})
	}, nil},
	"an event at the beginning of the log": {func(w *damageTest, tx *store.Tx) error {
		return records.Outbox.Put(tx, "NODE/id", records.PendingEvent{Line: []byte(`{"eventID":"id"}` + "\n")})
	}, nil},
	"an event of an older format": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(records.Outbox.Put(tx, "id", records.PendingEvent{Line: []byte(`{"eventID":"id"}` + "\n")}), records.Formats.Put(tx, records.FormatPath, records.Format{Format: 3}))
	}, nil},
	"another event of an older format": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(records.Outbox.Put(tx, "id", records.PendingEvent{Line: []byte(`{"eventID":"di"}` + "\n")}), records.Formats.Put(tx, records.FormatPath, records.Format{Format: 3}))
	}, []string{"outbox/id: its content belongs"}},
	"an event without a node in format 4": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(records.Outbox.Put(tx, "id", records.PendingEvent{Line: []byte(`{"eventID":"id"}` + "\n")}), records.Formats.Put(tx, records.FormatPath, records.Format{Format: 4}))
	}, []string{"outbox/id: its content belongs"}},
	"a format of nothing": {func(w *damageTest, tx *store.Tx) error {
		return records.Formats.Put(tx, records.FormatPath, records.Format{})
	}, []string{"format/records: its content belongs"}},
	"a migration that goes on": {func(w *damageTest, tx *store.Tx) error {
		return records.Formats.Put(tx, records.FormatPath, records.Format{Format: 3, To: 4})
	}, nil},
	"a migration to the same format": {func(w *damageTest, tx *store.Tx) error {
		return records.Formats.Put(tx, records.FormatPath, records.Format{Format: 3, To: 3})
	}, []string{"format/records: its content belongs"}},
	"two nodes": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(records.Nodes.Put(tx, "N", records.Node{Incarnation: "x", Level: 1, Beat: 1}), records.Nodes.Put(tx, "M", records.Node{Incarnation: "x", Level: 2, Beat: 2}),
			records.Confirmations.Put(tx, "N", records.Confirmation{Incarnation: "x"}), records.Confirmations.Put(tx, "M", records.Confirmation{Incarnation: "x", Revision: 1}),
			records.Levels.Put(tx, records.LevelPath, records.Level{Level: 1}))
	}, nil},
	"nodes that nobody has started": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(records.Nodes.Put(tx, "a/b", records.Node{Incarnation: "x", Level: 1, Beat: 1}), records.Nodes.Put(tx, "b", records.Node{Level: 1, Beat: 1}),
			records.Nodes.Put(tx, "c", records.Node{Incarnation: "x", Beat: 1}), records.Nodes.Put(tx, "d", records.Node{Incarnation: "x", Level: 1}))
	}, []string{"node/a/b: its content belongs", "node/b: its content belongs", "node/c: its content belongs", "node/d: its content belongs"}},
	"confirmations that nobody has made": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(records.Nodes.Put(tx, "a", records.Node{Incarnation: "x", Level: 1, Beat: 1}), records.Nodes.Put(tx, "b", records.Node{Incarnation: "x", Level: 1, Beat: 1}),
			records.Confirmations.Put(tx, "a", records.Confirmation{Revision: 1}), records.Confirmations.Put(tx, "b", records.Confirmation{Incarnation: "x", Revision: -1}), records.Confirmations.Put(tx, "c", records.Confirmation{Incarnation: "x"}))
	}, []string{"confirmed/a: its content belongs", "confirmed/b: its content belongs", "node/c: it is missing: confirmed/c"}},
	"levels of nothing": {func(w *damageTest, tx *store.Tx) error {
		return errors.Join(records.Levels.Put(tx, records.LevelPath, records.Level{}), records.Levels.Put(tx, "x", records.Level{Level: 1}))
	}, []string{"cluster/level: its content belongs", "cluster/x: its content belongs"}},
	"a second copy": {func(w *damageTest, tx *store.Tx) error { return records.Copies.Put(tx, "x", records.Copy{}) },
		[]string{"copy/x: its content belongs"}},
	"a grantee without shapes": {func(w *damageTest, tx *store.Tx) error {
		return records.GrantShapes.Put(tx, records.PathOf(w.enabled)+"/p", records.GranteeShapes{Salt: make([]byte, 16)})
	}, []string{"grant-shapes/ENABLED/p: its content belongs"}},
}

// withAccessKeys gives a user access keys.
func withAccessKeys(tx *store.Tx, n int) error {
	u := identity.User{Entity: identity.Entity{Account: testAccount, Name: "Alice", Path: "/", ID: "AIDA1"}}
	problems := []error{records.Accounts.Put(tx, testAccount, identity.Account{ID: testAccount})}
	for i := range n {
		id := fmt.Sprint("AKIA", i+1)
		u.Keys = append(u.Keys, id)
		problems = append(problems, records.AccessKeys.Put(tx, id, identity.StoredKey{Account: testAccount, Secret: "s", User: "Alice"}))
	}
	return errors.Join(append(problems, records.Users.Put(tx, testAccount+"/alice", u))...)
}

func TestVerifyKnowsLimits(t *testing.T) {
	for name, damage := range limitDamages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDamageTest(t)
			w.update(func(tx *store.Tx) error { return damage.do(w, tx) })
			w.wantFindings(damage.want)
		})
	}
}

func putWarning(tx *store.Tx, path, material string, w records.WarnedMaterial) error {
	return records.ExpiryWarnings.Put(tx, path, records.ExpiryWarning{Materials: map[string]records.WarnedMaterial{material: w}})
}
