package redo

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// The keys of the fixture, by the states that they have at the Cut.
const (
	enabledKey  = "11111111-1111-4111-8111-111111111111"
	disabledKey = "22222222-2222-4222-8222-222222222222"
	pendingKey  = "33333333-3333-4333-8333-333333333333" // PendingImport
	deletedKey  = "44444444-4444-4444-8444-444444444444" // PendingDeletion
	primaryKey  = "mrk-55555555555555555555555555555555" // has a replica
	noKey       = "99999999-9999-4999-8999-999999999999"
)

var (
	firstMaterial   = strings.Repeat("a", 64)
	currentMaterial = strings.Repeat("b", 64)
	grantID         = strings.Repeat("c", 64)
	names           = map[string]string{
		enabledKey: "enabled", disabledKey: "disabled", pendingKey: "pending", deletedKey: "deleted", primaryKey: "primary",
	}
)

func material(id string) key.Material {
	return key.Material{ID: id, Sealed: []byte("sealed"), Slot: "slot-" + id}
}

// fill gives the store one record of each kind that a change can take away.
func (w *world) fill() {
	w.Helper()
	for id, state := range map[string]key.State{
		enabledKey: key.Enabled, disabledKey: key.Disabled, pendingKey: key.PendingImport, deletedKey: key.PendingDeletion,
		primaryKey: key.Enabled,
	} {
		k := key.Key{ID: id, Account: account, Region: region, Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt,
			Origin: key.OriginExternal, State: state, CreationDate: cutTime.Add(-time.Hour), Policy: "policy",
			Tags: []key.Tag{{Key: "team", Value: "a"}}}
		if state != key.PendingImport {
			k.Materials = []key.Material{material(firstMaterial), material(currentMaterial)}
		}
		if state == key.PendingDeletion {
			k.DeletionDate = cutTime.Add(7 * 24 * time.Hour)
		}
		if id == primaryKey {
			k.MultiRegion = key.MultiRegion{Primary: region, Replicas: []key.Replica{{Region: "eu-west-1"}}}
		}
		w.update(func(tx *store.Tx) error { return records.InsertKey(tx, k, records.NewestLevel) })
	}
	entity := func(name string) identity.Entity {
		return identity.Entity{Account: account, Name: name, Path: "/", ID: "ID-" + name,
			Inline: []identity.InlinePolicy{{Name: "old", Document: "{}"}}}
	}
	w.update(func(tx *store.Tx) error {
		return errors.Join(
			records.InsertGrant(tx, key.Grant{ID: grantID, Account: account, Region: region, KeyID: enabledKey,
				Grantee: "arn:aws:iam::111122223333:user/alice", Operations: []string{"Decrypt"}}),
			records.InsertAlias(tx, key.Alias{Name: "alias/app", Account: account, Region: region, KeyID: enabledKey}),
			records.Accounts.Put(tx, account, identity.Account{ID: account}),
			records.Users.Put(tx, records.NamedPath(account, "alice"), identity.User{Entity: entity("alice"), Keys: []string{"AKIAALICE"}}),
			records.Roles.Put(tx, records.NamedPath(account, "deploy"), identity.Role{Entity: entity("deploy"), Trust: "old"}),
			records.ManagedPolicies.Put(tx, records.NamedPath(account, "limit"), identity.ManagedPolicy{Account: account, Name: "limit", Path: "/", Document: "old"}),
			records.OIDCProviders.Put(tx, records.ProviderPath(account, "id.example.com"), identity.OIDCProvider{Account: account, Issuer: "id.example.com", ClientIDs: []string{"old"}}),
			records.AccessKeys.Put(tx, "AKIAALICE", identity.StoredKey{Account: account, User: "alice"}),
			records.AccessKeys.Put(tx, "AKIAROOT", identity.StoredKey{Account: account}),
		)
	})
}

// facts describes the records of the fixture.
func (w *world) facts() (all map[string]string) {
	w.Helper()
	all = map[string]string{}
	w.must(w.store.View(w.Context(), func(v *store.View) error {
		for id, name := range names {
			k, _, err := records.WholeKeys.Get(v, records.KeyPath(account, region, id))
			w.must(err)
			all[name+" state"] = string(k.State)
			all[name+" policy"] = k.Policy
			all[name+" tags"] = fmt.Sprint(k.Tags)
			if !k.DeletionDate.IsZero() {
				all[name+" ends"] = k.DeletionDate.Sub(cutTime).String()
			}
			for _, m := range k.Materials {
				all[name+" material "+m.ID[:1]] = fmt.Sprint("present ", m.Present())
				if !m.ValidTo.IsZero() {
					all[name+" material "+m.ID[:1]] = fmt.Sprint("until ", m.ValidTo.Sub(cutTime))
				}
			}
		}
		each(w, v, records.Grants, func(g key.Grant) { all["grant"] = g.ID[:1] })
		each(w, v, records.Aliases, func(a key.Alias) { all[a.Name] = names[a.KeyID] })
		each(w, v, records.Accounts, func(a identity.Account) { all["generation"] = fmt.Sprint(a.Generation) })
		entity := func(e identity.Entity) {
			all[e.Name] = fmt.Sprintf("%v %v boundary %q, disabled %v, generation %d, tags %v", e.Inline, e.Attached, e.Boundary,
				e.Disabled, e.Generation, e.Tags)
		}
		each(w, v, records.Users, func(u identity.User) { entity(u.Entity) })
		each(w, v, records.Roles, func(r identity.Role) { entity(r.Entity); all["trust"] = r.Trust + " " + r.Description })
		each(w, v, records.ManagedPolicies, func(p identity.ManagedPolicy) { all[p.Name] = p.Document })
		each(w, v, records.OIDCProviders, func(p identity.OIDCProvider) { all[p.Issuer] = fmt.Sprint(p.ClientIDs) })
		page, err := records.AccessKeys.Scan(v, "", "", 100)
		for _, k := range page {
			all[k.Path] = fmt.Sprint("inactive ", k.Value.Inactive)
		}
		return err
	}))
	return all
}

func each[T any](w *world, v *store.View, t store.Table[T], fn func(T)) {
	page, err := t.Scan(v, "", "", 100)
	w.must(err)
	for _, r := range page {
		fn(r.Value)
	}
}

// outbox returns the pending events of node A.
func (w *world) outbox() (all []audit.Event) {
	w.Helper()
	w.must(w.store.View(w.Context(), func(v *store.View) error {
		page, err := records.Outbox.Scan(v, "A/", "", 100)
		for _, p := range page {
			var e struct {
				Name    string          `json:"eventName"`
				Details json.RawMessage `json:"serviceEventDetails"`
			}
			w.must(json.Unmarshal(p.Value.Line, &e))
			all = append(all, audit.Event{EventName: e.Name, ServiceEventDetails: e.Details})
		}
		return err
	}))
	return all
}

// differences returns the facts that are not the same, in order.
func differences(was, is map[string]string) string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if now, ok := is[name]; !ok {
			found = append(found, name+" is gone")
		} else if now != was[name] {
			found = append(found, name+": "+now)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(is)) {
		if _, ok := was[name]; !ok {
			found = append(found, name+": "+is[name])
		}
	}
	return strings.Join(found, "; ")
}

// An old change is an event of the former log.
func old(name, keyID, parameters string) audit.Event {
	e := at(cutAt+1, name, 60)
	e.AWSRegion, e.RecipientAccountID, e.UserIdentity = region, account, audit.Identity{AccountID: account}
	if keyID != "" {
		e.Resources = []audit.Resource{{ARN: key.KeyARN(account, region, keyID), AccountID: account, Type: audit.KeyResource}}
	}
	e.RequestParameters = []byte(parameters)
	return e
}

// withKey adds the member keyId, which each request about a key has.
func withKey(name, keyID, parameters string) string {
	switch {
	case keyID == "" || name == "DeleteKey" || strings.Contains(parameters, `"keyId"`):
		return parameters
	case strings.Trim(parameters, "{}") == "":
		return `{"keyId":"k"}`
	}
	return `{"keyId":"k",` + parameters[1:]
}

const week = `"pendingWindowInDays":7`

var applied = []struct {
	name, keyID, parameters string
	want                    string // what differs afterwards
	problem                 string // why a person has to decide
	more                    func(e *audit.Event)
}{
	{name: "DisableKey", keyID: enabledKey, want: "enabled state: Disabled"},
	{name: "DisableKey", keyID: disabledKey},
	{name: "DisableKey", keyID: noKey},
	{name: "DisableKey", keyID: pendingKey, problem: "an import enables it"},
	{name: "DisableKey", problem: "the event names no key"},
	{name: "EnableKey", keyID: disabledKey, want: "disabled state: Enabled"},
	{name: "EnableKey", keyID: pendingKey},
	{name: "EnableKey", keyID: deletedKey},
	{name: "ScheduleKeyDeletion", keyID: enabledKey, parameters: `{` + week + `}`, want: "enabled state: PendingDeletion; enabled ends: 168h1m0s"},
	{name: "ScheduleKeyDeletion", keyID: disabledKey, want: "disabled state: PendingDeletion; disabled ends: 720h1m0s"},
	{name: "ScheduleKeyDeletion", keyID: deletedKey},
	{name: "ScheduleKeyDeletion", keyID: primaryKey, want: "primary state: PendingReplicaDeletion"},
	{name: "CancelKeyDeletion", keyID: deletedKey, want: "deleted ends is gone; deleted state: Disabled"},
	{name: "CancelKeyDeletion", keyID: enabledKey},
	{name: "DeleteKey", keyID: enabledKey, want: "enabled state: PendingDeletion; enabled ends: 1m0s"},
	{name: "DeleteKey", keyID: primaryKey, problem: "delete them first"},
	{name: "DeleteImportedKeyMaterial", keyID: enabledKey, want: "enabled material b: present false; enabled state: PendingImport"},
	{name: "DeleteImportedKeyMaterial", keyID: enabledKey, parameters: `{"keyMaterialId":"` + firstMaterial + `"}`,
		want: "enabled material a: present false; enabled state: PendingImport"},
	{name: "DeleteImportedKeyMaterial", keyID: enabledKey, parameters: `{"keyMaterialId":"` + strings.Repeat("f", 64) + `"}`},
	{name: "DeleteImportedKeyMaterial", keyID: pendingKey},
	{name: "ImportKeyMaterial", keyID: enabledKey, parameters: `{"keyMaterialId":"` + firstMaterial + `","validTo":"2026-12-01T12:00:00Z"}`,
		want: "enabled material a: until 24h0m0s"},
	{name: "ImportKeyMaterial", keyID: enabledKey, parameters: `{"validTo":"2026-12-01T12:00:00Z"}`, want: "enabled material b: until 24h0m0s",
		more: func(e *audit.Event) {
			e.ResponseElements = []byte(`{"keyId":"k","keyMaterialId":"` + currentMaterial + `"}`)
		}},
	{name: "ImportKeyMaterial", keyID: enabledKey, parameters: `{"validTo":"2026-12-01T12:00:00Z"}`, problem: "does not name the one that ends earlier"},
	{name: "ImportKeyMaterial", keyID: enabledKey, parameters: `{"importType":"NEW_KEY_MATERIAL","validTo":"2026-12-01T12:00:00Z"}`},
	{name: "ImportKeyMaterial", keyID: enabledKey},
	{name: "ImportKeyMaterial", keyID: pendingKey, parameters: `{"validTo":"2026-12-01T12:00:00Z"}`},
	{name: "PutKeyPolicy", keyID: enabledKey, parameters: `{"keyId":"k","policy":"new"}`, want: "enabled policy: new"},
	{name: "PutKeyPolicy", keyID: enabledKey, parameters: `{"keyId":"k","policy":"policy"}`},
	{name: "PutKeyPolicy", keyID: enabledKey, parameters: `{"keyId":"k","policy":{"notKept":{"bytes":9,"sha256":"00"}}}`, problem: "the audit log does not keep [policy]"},
	{name: "TagResource", keyID: enabledKey, parameters: `{"keyId":"k","tags":[{"tagKey":"team","tagValue":"b"}]}`, want: "enabled tags: [{team b}]"},
	{name: "TagResource", keyID: enabledKey, parameters: `{"keyId":"k","tags":[{"tagKey":"team"}]}`, problem: "tags.1.tagValue is missing"},
	{name: "UntagResource", keyID: enabledKey, parameters: `{"keyId":"k","tagKeys":["team"]}`, want: "enabled tags: []"},
	{name: "UntagResource", keyID: enabledKey, parameters: `{"keyId":"k","tagKeys":["other"]}`},

	{name: "RevokeGrant", keyID: enabledKey, parameters: `{"grantId":"` + grantID + `"}`, want: "grant is gone"},
	{name: "RevokeGrant", keyID: disabledKey, parameters: `{"grantId":"` + grantID + `"}`},
	{name: "RevokeGrant", keyID: enabledKey, problem: "the event names no grant"},
	{name: "RetireGrant", keyID: enabledKey, parameters: `{}`, want: "grant is gone",
		more: func(e *audit.Event) { e.AdditionalEventData = []byte(`{"grantId":"` + grantID + `"}`) }},
	{name: "RetireGrant", problem: "the event names no key"},
	{name: "DeleteAlias", parameters: `{"aliasName":"alias/app"}`, want: "alias/app is gone"},
	{name: "DeleteAlias", parameters: `{"aliasName":"alias/other"}`},
	{name: "DeleteAlias", parameters: `{"aliasName":"x"}`},
	{name: "UpdateAlias", parameters: `{"aliasName":"alias/app","targetKeyId":"` + disabledKey + `"}`, want: "alias/app: disabled"},
	{name: "UpdateAlias", parameters: `{"aliasName":"alias/app","targetKeyId":"` + enabledKey + `"}`},
	{name: "UpdateAlias", parameters: `{"aliasName":"alias/app","targetKeyId":"` + noKey + `"}`, want: "alias/app is gone"},
	{name: "UpdateAlias", parameters: `{"aliasName":"alias/app","targetKeyId":"alias/x"}`, problem: "key"},

	{name: "DeleteAccessKey", parameters: `{"accessKeyId":"AKIAALICE"}`, want: "AKIAALICE: inactive true"},
	{name: "DeleteAccessKey", parameters: `{"accessKeyId":"AKIAOTHER"}`},
	{name: "DeleteIdentity", parameters: `{"kind":"user","name":"alice"}`, want: "AKIAALICE is gone; alice is gone"},
	{name: "DeleteIdentity", parameters: `{"kind":"role","name":"deploy"}`, want: "deploy is gone; trust is gone"},
	{name: "DeleteIdentity", parameters: `{"kind":"policy","name":"limit"}`, want: "limit is gone"},
	{name: "DeleteIdentity", parameters: `{"kind":"oidc-provider","name":"id.example.com"}`, want: "id.example.com is gone"},
	{name: "DeleteIdentity", parameters: `{"kind":"user","name":"bob"}`},
	{name: "DeleteIdentity", parameters: `{"kind":"user","name":"alice","accountId":"444455556666"}`},
	{name: "DeleteIdentity", parameters: `{"kind":"group","name":"alice"}`},
	{name: "PutPolicy", parameters: `{"name":"limit","document":"new"}`, want: "limit: new"},
	{name: "PutPolicy", parameters: `{"name":"limit","document":"new","dryRun":true}`},
	{name: "PutPolicy", parameters: `{"name":"other","document":"new"}`},
	{name: "PutProvider", parameters: `{"url":"https://id.example.com","clientIds":["b","a","b"]}`, want: "id.example.com: [a b]"},
	{name: "PutProvider", parameters: `{"url":"https://id.example.com","clientIds":["b"],"dryRun":true}`},
	{name: "PutRole", parameters: `{"name":"deploy","trust":"new","managedPolicies":["limit"]}`,
		want: `deploy: [] [arn:aws:iam::111122223333:policy/limit] boundary "", disabled false, generation 0, tags []; trust: new `},
	{name: "PutRole", parameters: `{"name":"deploy","trust":"new","dryRun":true}`},
	{name: "PutUser", parameters: `{"name":"alice","policies":[{"name":"new","document":"{}"}],"tags":[{"tagKey":"k","tagValue":"v"}]}`,
		want: `alice: [{new {}}] [] boundary "", disabled false, generation 0, tags [{k v}]`},
	{name: "PutUser", parameters: `{"name":"alice","permissionsBoundary":"limit"}`,
		want: `alice: [] [] boundary "arn:aws:iam::111122223333:policy/limit", disabled false, generation 0, tags []`},
	{name: "PutUser", parameters: `{"name":"alice","permissionsBoundary":"later"}`, want: `alice: [] [] boundary "", disabled true, generation 0, tags []`},
	{name: "PutUser", parameters: `{"name":"alice","managedPolicies":["later"]}`, want: `alice: [] [] boundary "", disabled true, generation 0, tags []`},
	{name: "PutUser", parameters: `{"name":"alice","dryRun":true}`},
	{name: "PutUser", parameters: `{"name":"bob"}`},
	{name: "RevokeSessions", parameters: `{"kind":"user","name":"alice"}`, want: `alice: [{old {}}] [] boundary "", disabled false, generation 1, tags []`},
	{name: "RevokeSessions", parameters: `{"kind":"role","name":"alice"}`},
	{name: "SetIdentityState", parameters: `{"kind":"role","name":"deploy","enabled":false}`, want: `deploy: [{old {}}] [] boundary "", disabled true, generation 0, tags []`},
	{name: "SetIdentityState", parameters: `{"kind":"role","name":"deploy","enabled":true}`},
	{name: "SetIdentityState", parameters: `{"kind":"user","name":"alice","accessKeyId":"AKIAALICE","enabled":false}`, want: "AKIAALICE: inactive true"},
	{name: "ResetRootCredentials", want: "AKIAROOT: inactive true; generation: 1",
		more: func(e *audit.Event) { e.ServiceEventDetails = []byte(`{"revokedAccessKeyIds":["AKIAROOT"]}`) }},
	{name: "ResetRootCredentials", want: "generation: 1", // of keys that were made after the Cut
		more: func(e *audit.Event) { e.ServiceEventDetails = []byte(`{"revokedAccessKeyIds":["AKIALATER"]}`) }},
	{name: "ResetRootCredentials", problem: "the event cannot be read"},
	{name: "Recover", problem: "keyhold seal migrate"},
	{name: "SealMigrate", problem: "keyhold seal migrate"},
}

// Each change is made again on what the backup has, with an event, or a person learns why not; a second Apply changes
// nothing more, except that it ends sessions again.
func TestApply(t *testing.T) {
	tested := map[string]bool{}
	for _, test := range applied {
		t.Run(test.name+test.parameters+names[test.keyID], func(t *testing.T) {
			w := newWorld(t)
			w.fill()
			e := old(test.name, test.keyID, withKey(test.name, test.keyID, test.parameters))
			if test.more != nil {
				test.more(&e)
			}
			was := w.facts()
			p := &Plan{Events: []audit.Event{e}}
			done, err := p.Apply(t.Context(), w.store, "A", cutTime.Add(time.Hour))
			w.must(err)
			if len(done) != 1 || done[0].Made != (test.want != "") || (done[0].Problem != nil) != (test.problem != "") ||
				test.problem != "" && !strings.Contains(done[0].Problem.Error(), test.problem) {
				t.Errorf("%+v", done)
			}
			is := w.facts()
			if got := differences(was, is); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			events := w.outbox()
			if len(events) > 1 || (len(events) == 1) != (test.want != "") {
				t.Errorf("%d events", len(events))
			}
			for _, made := range events {
				want := `{"eventID":"` + e.EventID + `","eventName":"` + e.EventName + `","eventTime":"2026-11-30T12:01:00Z"}`
				if made.EventName != "RedoAfterRestore" || string(made.ServiceEventDetails) != want {
					t.Errorf("%+v", made)
				}
			}
			if test.name == "RevokeSessions" || test.name == "ResetRootCredentials" {
				return
			}
			if again, err := p.Apply(t.Context(), w.store, "A", cutTime.Add(time.Hour)); err != nil || again[0].Made && test.name != "DeleteKey" {
				t.Errorf("again: %+v, %v", again, err)
			}
			if got := differences(is, w.facts()); got != "" {
				t.Errorf("again: %s", got)
			}
		})
		tested[test.name] = true
	}
	for name := range rows {
		if !tested[name] {
			t.Errorf("%s has no test", name)
		}
	}
}

// Events whose parameters nobody can read, as of a log that nothing proves, change nothing and are left to a person.
func TestApplyRefusesWhatItCannotRead(t *testing.T) {
	for name := range rows {
		for _, parameters := range []string{"", "null", "{}", "[]", `"text"`, `{"keyId":1}`, `{"tags":[null],"policies":[null],"keyId":"k"}`,
			`{"name":"alice","kind":"user","document":{"notKept":{"bytes":1}}}`, `{"name":{"base64":"-"}}`} {
			w := newWorld(t)
			w.fill()
			was := w.facts()
			e := old(name, enabledKey, parameters)
			done, err := (&Plan{Events: []audit.Event{e}}).Apply(t.Context(), w.store, "A", cutTime)
			if err != nil || len(done) != 1 {
				t.Errorf("%s %s: %+v, %v", name, parameters, done, err)
			}
			if got := differences(was, w.facts()); got != "" && done[0].Made != true {
				t.Errorf("%s %s: %s", name, parameters, got)
			}
		}
	}
}

// A reset of the root disables its former access keys also if the account has no record yet.
func TestApplyResetsRootOfTheFirstAccount(t *testing.T) {
	w := newWorld(t)
	w.update(func(tx *store.Tx) error {
		return records.AccessKeys.Put(tx, "AKIAROOT", identity.StoredKey{Account: account})
	})
	e := old("ResetRootCredentials", "", "")
	e.ServiceEventDetails = []byte(`{"revokedAccessKeyIds":["AKIAROOT"]}`)
	_, err := (&Plan{Events: []audit.Event{e}}).Apply(t.Context(), w.store, "A", cutTime)
	w.must(err)
	if got := w.facts(); got["AKIAROOT"] != "inactive true" || got["generation"] != "1" {
		t.Error(got)
	}
}

// A change that is taken back later is not in force after both were made again.
func TestApplyInOrder(t *testing.T) {
	w := newWorld(t)
	w.fill()
	p := &Plan{}
	for _, change := range []string{
		"ScheduleKeyDeletion " + enabledKey, "CancelKeyDeletion " + enabledKey, "EnableKey " + enabledKey,
		"EnableKey " + disabledKey, "DisableKey " + disabledKey,
	} {
		name, keyID, _ := strings.Cut(change, " ")
		p.Events = append(p.Events, old(name, keyID, withKey(name, keyID, "")))
	}
	was := w.facts()
	done, err := p.Apply(t.Context(), w.store, "A", cutTime)
	w.must(err)
	for _, d := range done {
		if !d.Made {
			t.Errorf("%s was not made again", d.Event.EventName)
		}
	}
	if got := differences(was, w.facts()); got != "" {
		t.Error(got)
	}
}
