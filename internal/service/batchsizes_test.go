package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// The largest batches leave 16 of the checks and writes free, and an eighth of the bytes.
const (
	mostOps   = store.MaxBatch - 16
	mostBytes = store.MaxBytes * 7 / 8
)

// maxBody is the longest body of a request, in bytes (docs/design.md).
const maxBody = 128 << 10

// The longest texts of a key, with characters whose JSON is as long as possible.
var (
	longPolicy      = padded(key.DefaultPolicy(homeAccount), key.MaxPolicySize)
	longDescription = strings.Repeat("\x01", 8192)
	longMaterial    = strings.Repeat("\v", 256) // the description of a material
)

func padded(document string, size int) string {
	return document + strings.Repeat("\t", size-len(document))
}

func longTags() (all []map[string]string) {
	for i := range key.MaxTags {
		unique := string(rune(0x20000 + i))
		all = append(all, map[string]string{"TagKey": unique + strings.Repeat("\U00020000", 127), "TagValue": strings.Repeat("\U00020000", 256)})
	}
	return all
}

// largest are members of a request, as JSON.
func largest(members map[string]any) string {
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// A sizedTest is a deployment with the largest records that requests can make: two multi-Region keys with 40 replicas,
// with the longest texts and 25 materials each. The server made the material of one. The owner imported the material of
// the other, and each of the 41 keys has pending material that expires.
type sizedTest struct {
	costedTest
	backend   *memory.DB
	made, own string
	replicas  []string  // of own
	pending   string    // the ID of the pending material
	brought   time.Time // when the owner imported all materials: the sweep takes what is due by time
}

func newSizedTest(t *testing.T) *sizedTest {
	b := memory.New()
	d := interruptible{Backend: costed{b}, slots: memory.NewSlots(), root: seal.NewEphemeralRoot()}
	s := &sizedTest{costedTest: costedTest{d.open(t), d}, backend: b, pending: strings.Repeat("f", 64)}
	s.brought = s.clock.Now().UTC().Truncate(time.Second).Add(-time.Millisecond) // its text has all digits
	s.update(func(tx *store.Tx) error {
		return records.AccessKeys.Put(tx, rootKey, identity.StoredKey{Account: homeAccount, Secret: "secret"})
	})
	s.administer()
	s.made, s.own = s.keyLike(multiRegion), s.keyLike(`{"Origin":"EXTERNAL","MultiRegion":true}`)
	related := append(s.replicate(s.made), s.made)
	s.changeKey(s.own, s.bring)
	s.replicas = s.replicate(s.own)
	for range key.MaxOnDemandRotations - 1 {
		s.root().does("RotateKeyOnDemand", s.made)
	}
	s.root().does("EnableKeyRotation", s.made)
	for _, arn := range related {
		s.changeKey(arn, s.lengthen)
	}
	for _, arn := range append(s.replicas, s.own) {
		s.changeKey(arn, func(k *key.Key) { s.lengthen(k); s.bring(k) })
	}
	return s
}

// administer makes a role whose permissions depend on as many records as possible.
func (s *sizedTest) administer() {
	var attached []string
	for i := range 20 {
		attached = append(attached, s.managedPolicy(fmt.Sprint("m", i), allowAll))
	}
	s.role("app", func(e *identity.Entity) { e.Attached = attached }, s.boundary("allow kms:*"))
}

func (s *sizedTest) app() actor {
	return s.session("app", func(of *identity.Session) {
		for i := range 10 {
			of.PolicyARNs = append(of.PolicyARNs, fmt.Sprintf("arn:aws:iam::%s:policy/m%d", homeAccount, i))
		}
	})
}

// lengthen gives a key the longest texts.
func (s *sizedTest) lengthen(k *key.Key) {
	k.Policy, k.Description, k.Tags = longPolicy, longDescription, nil
	for _, t := range longTags() {
		k.Tags = append(k.Tags, key.Tag{Key: t["TagKey"], Value: t["TagValue"]})
	}
}

// bring gives a key 25 imported materials and a pending one.
func (s *sizedTest) bring(k *key.Key) {
	now := s.brought
	m := key.Material{Description: longMaterial, ValidTo: now.Add(300 * 24 * time.Hour), Sealed: make([]byte, 128), Slot: "16777216-0123456789abcdef"}
	k.State, k.Materials = key.Enabled, nil
	for i := range key.MaxOnDemandRotations {
		m.ID = fmt.Sprintf("%064x", i)
		k.Materials = append(k.Materials, m)
		m.RotationDate, m.RotationType = now, key.RotationOnDemand
	}
	k.Pending = &key.Material{ID: s.pending, Description: longMaterial, ValidTo: now.Add(time.Hour), Sealed: m.Sealed, Slot: m.Slot}
}

// again returns the deployment with copies of all records.
func (s *sizedTest) again() *sizedTest {
	s.Helper()
	c := memory.New()
	err := s.backend.View(s.Context(), func(r store.Reader) error {
		items, err := r.Scan(nil, nil, 1<<20)
		for _, item := range items {
			if err == nil {
				_, err = c.Commit(s.Context(), store.Batch{Writes: []store.Write{{Key: item.Key, Value: item.Value}}})
			}
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	out := *s
	out.backend, out.deployment.Backend = c, costed{c}
	out.costedTest = out.cold()
	return &out
}

// sweeps returns what a sweep asks of the Backend after some time.
func (s *sizedTest) sweeps(after time.Duration) *cost {
	s.Helper()
	s.sweeper.close() // or the background could sweep first, and nobody counts its batches
	counted := &cost{}
	if err := errors.Join(s.clock.Advance(after), s.Sweep(context.WithValue(s.Context(), costKey{}, counted))); err != nil {
		s.Fatal(err)
	}
	return counted
}

// expirePending lets the pending material of a key expire, and hides the key from the sweep.
func (s *sizedTest) expirePending(arn string) {
	var entry string
	s.changeKey(arn, func(k *key.Key) {
		expired := *k.Pending
		expired.ValidTo = s.clock.Now().Add(-time.Second)
		k.Pending = &expired
		entry = records.DuePath(k.Due(), records.PathOf(*k))
	})
	s.update(func(tx *store.Tx) error { return records.Dues.Delete(tx, entry) })
}

// whole are the members of a request that makes a key with the longest texts.
func whole() string {
	return largest(map[string]any{"Policy": longPolicy, "Description": longDescription, "Tags": longTags()})
}

// longContext returns the constraint with the longest names and values. n makes the names different.
func longContext(n int) map[string]string {
	context := map[string]string{}
	for i := range 8 {
		context[fmt.Sprint(i, "/", n)+strings.Repeat("\x01", records.MaxGrantShapeNames/8-10)] = strings.Repeat("\x02", 384)
	}
	return context
}

// largestOf has the largest input of each operation, and of what the server does on its own.
func largestOf() map[string]func(s *sizedTest) *cost {
	on := func(operation, alias string, members ...string) func(s *sizedTest) *cost {
		return func(s *sizedTest) *cost {
			if alias != "" {
				s.root().does("CreateAlias", s.own, `{"AliasName":"alias/old"}`)
			}
			return s.costsAs(s.app(), operation, s.own, members...)
		}
	}
	after := func(first string, then func(s *sizedTest) *cost) func(s *sizedTest) *cost {
		return func(s *sizedTest) *cost { s.root().does(first, s.own); return then(s) }
	}
	byRoot := func(operation string, members map[string]any, before ...func(s *sizedTest)) func(s *sizedTest) *cost {
		return func(s *sizedTest) *cost {
			for _, fn := range before {
				fn(s)
			}
			in := largest(members)
			if len(in) > maxBody {
				s.Errorf("%s has a request of %d bytes", operation, len(in))
			}
			return s.costsAs(s.rootWithKey(), operation, "", in)
		}
	}
	user := map[string]any{"Name": "large", "AccessKeys": 2, "Tags": longTags()[:20],
		"Policies": []map[string]string{{"Name": "p", "Document": padded(allowAll, 40_000)}}}
	withUser := func(s *sizedTest) { s.costsAs(s.rootWithKey(), "PutUser", "", largest(user)) }
	withOneKey := func(s *sizedTest) {
		u, _, err := records.Users.Latest(s.Context(), s.store, records.NamedPath(homeAccount, "large"), nil)
		if err != nil || len(u.Keys) != 2 {
			s.Fatal(err, u.Keys)
		}
		s.update(func(tx *store.Tx) error {
			gone := u.Keys[1]
			u.Keys = u.Keys[:1]
			return errors.Join(records.Users.Put(tx, records.NamedPath(homeAccount, "large"), u), records.AccessKeys.Delete(tx, gone))
		})
	}
	ofUser := map[string]any{"Kind": "user", "Name": "large"}
	grant := `{"Name":"` + strings.Repeat("n", 256) + `","RetiringPrincipal":"` + who("alice") + `"}`
	constrained := func(s *sizedTest) string {
		return largest(map[string]any{"Constraints": map[string]any{"EncryptionContextSubset": longContext(0)}})
	}
	withGrant := func(s *sizedTest) string {
		id, _ := s.root().grants(s.own, "home", "Decrypt", grant, constrained(s))
		return `{"KeyId":"` + s.own + `","GrantId":"` + id + `"}`
	}
	return map[string]func(s *sizedTest) *cost{
		"CancelKeyDeletion": func(s *sizedTest) *cost {
			s.root().does("ScheduleKeyDeletion", s.own)
			return s.costsAs(s.app(), "CancelKeyDeletion", s.own)
		},
		"CreateAlias": on("CreateAlias", "", `{"AliasName":"alias/`+strings.Repeat("a", 250)+`"}`),
		"CreateGrant": func(s *sizedTest) *cost {
			s.user("alice")
			return s.costsAs(s.app(), "CreateGrant", s.own, grant, constrained(s))
		},
		"CreateKey":   func(s *sizedTest) *cost { return s.costsAs(s.app(), "CreateKey", "", multiRegion, whole()) },
		"DeleteAlias": on("DeleteAlias", "alias/old"),
		"DeleteImportedKeyMaterial": func(s *sizedTest) *cost {
			return s.costsAs(s.app(), "DeleteImportedKeyMaterial", s.own, `{"KeyMaterialId":"`+s.pending+`"}`)
		},
		"DisableKey":         on("DisableKey", ""),
		"DisableKeyRotation": func(s *sizedTest) *cost { return s.costsAs(s.app(), "DisableKeyRotation", s.made) },
		"EnableKey":          after("DisableKey", on("EnableKey", "")),
		"EnableKeyRotation":  func(s *sizedTest) *cost { return s.costsAs(s.app(), "EnableKeyRotation", s.made) },
		"ImportKeyMaterial": func(s *sizedTest) *cost { // pending material of all 41 keys has expired
			in := s.importOf(s.own, make([]byte, 32))
			s.expirePending(s.own)
			return s.costsAs(s.app(), "ImportKeyMaterial", s.own, in, asNewMaterial, `{"KeyMaterialDescription":"\u000b"}`)
		},
		"MoveClock":    func(s *sizedTest) *cost { return s.costsAs(s.root(), "MoveClock", "", `{"AdvanceSeconds":1}`) },
		"PutKeyPolicy": on("PutKeyPolicy", "", largest(map[string]any{"Policy": longPolicy})),
		"RecreateKey":  func(s *sizedTest) *cost { return s.costsAs(s.root(), "RecreateKey", "", whole()) },
		"ReplicateKey": func(s *sizedTest) *cost {
			s.changeKey(s.made, func(k *key.Key) { k.MultiRegion.Replicas = k.MultiRegion.Replicas[1:] })
			return s.costsAs(s.app(), "ReplicateKey", s.made, `{"ReplicaRegion":"eu-central-1"}`, whole())
		},
		"RetireGrant":       func(s *sizedTest) *cost { return s.costsAs(s.root(), "RetireGrant", "", withGrant(s)) },
		"RevokeGrant":       func(s *sizedTest) *cost { return s.costsAs(s.app(), "RevokeGrant", "", withGrant(s)) },
		"RotateKeyOnDemand": on("RotateKeyOnDemand", ""),
		"RotateKeyOnDemand of generated material": func(s *sizedTest) *cost { return s.costsAs(s.app(), "RotateKeyOnDemand", s.made) },
		"ScheduleKeyDeletion": func(s *sizedTest) *cost {
			a := s.app().with(func(r *Request) { r.Caller.Region = "eu-west-10" })
			return s.costsAs(a, "ScheduleKeyDeletion", s.replicas[0])
		},
		"TagResource":          on("TagResource", "", `{"Tags":[{"TagKey":"`+strings.Repeat("\U00020000", 128)+`","TagValue":"v"}]}`),
		"UntagResource":        on("UntagResource", "", `{"TagKeys":["`+strings.Repeat("\U00020000", 128)+`"]}`),
		"UpdateAlias":          on("UpdateAlias", "alias/old"),
		"UpdateKeyDescription": on("UpdateKeyDescription", "", largest(map[string]any{"Description": strings.Repeat("\x02", 8192)})),
		"UpdatePrimaryRegion":  on("UpdatePrimaryRegion", "", `{"PrimaryRegion":"eu-west-10"}`),

		"DeleteIdentity": byRoot("DeleteIdentity", ofUser, withUser),
		"PutAccount":     byRoot("PutAccount", map[string]any{"AccountId": "555566667777", "AccessKeys": 2}),
		"PutPolicy":      byRoot("PutPolicy", map[string]any{"Name": "p", "Document": padded(allowAll, 60_000)}),
		"PutProvider":    byRoot("PutProvider", map[string]any{"Url": "https://oidc.example.com", "ClientIds": slices.Collect(longNames(100))}),
		"PutRole": byRoot("PutRole", map[string]any{"Name": "r", "Trust": padded(trustPolicy(`{"AWS":"`+homeAccount+`"}`, ""), 20_000),
			"Policies": []map[string]string{{"Name": "p", "Document": padded(allowAll, 20_000)}}, "Tags": longTags()[:20]}),
		"PutUser":          byRoot("PutUser", user),
		"RevokeSessions":   byRoot("RevokeSessions", ofUser, withUser),
		"RotateAccessKey":  byRoot("RotateAccessKey", map[string]any{"Name": "large"}, withUser, withOneKey),
		"SealMigrate":      byRoot("SealMigrate", map[string]any{"To": "key-file:new.key"}),
		"SealRotate":       byRoot("SealRotate", map[string]any{"Key": "Data"}),
		"SetIdentityState": byRoot("SetIdentityState", map[string]any{"Kind": "user", "Name": "large", "Enabled": false}, withUser),

		sweepOfGrants: func(s *sizedTest) *cost {
			doomed := s.keyLike(`{}`)
			ref, _ := key.ParseReference(doomed, homeAccount, "eu-west-2")
			for i := range 4 * 2 * grantPage {
				g := key.Grant{ID: newGrantID(), Account: ref.Account, Region: ref.Region, KeyID: ref.KeyID, IssuingAccount: ref.Account,
					Grantee: key.Principal(fmt.Sprint(who("user/g"), i/4)), Retiring: key.Principal(who("home")), Name: fmt.Sprint(i), Operations: []string{"Decrypt"}}
				g.Constraints.ContextSubset = map[string]string{fmt.Sprint(i%4) + strings.Repeat("\x01", records.MaxGrantShapeNames/4-1): ""}
				s.update(func(tx *store.Tx) error { return records.InsertGrant(tx, g) })
			}
			s.root().does("ScheduleKeyDeletion", doomed, `{"PendingWindowInDays":7}`)
			c := s.sweeps(7*24*time.Hour + 2*time.Second)
			if left, err := s.grantsOf(s.Context(), key.Key{ID: ref.KeyID, Account: ref.Account, Region: ref.Region}, 1); err != nil || len(left) > 0 {
				s.Errorf("%d grants are left, %v", len(left), err)
			}
			return c
		},
		"the sweep of expired pending material of 41 keys": func(s *sizedTest) *cost { return s.sweeps(time.Hour + 2*time.Second) },
		"the sweep of a rotation of 41 keys":               func(s *sizedTest) *cost { return s.sweeps(366 * 24 * time.Hour) },
	}
}

// The pages of sweepOfGrants are halved until they fit.
const sweepOfGrants = "the sweep of a key with the largest grants"

// uncovered returns the texts of keys that are written without the records of the keys.
func uncovered(batches []store.Batch) (paths []string) {
	for _, b := range batches {
		keys := map[string]bool{}
		for _, w := range b.Writes {
			keys[string(w.Key)] = true
		}
		for path := range keys {
			if of, ok := strings.CutPrefix(path, "key-text/"); ok && !keys["key/"+of] {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// longNames yields different names of 255 bytes.
func longNames(n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for i := range n {
			if !yield(fmt.Sprintf("%0255d", i)) {
				return
			}
		}
	}
}

// documented returns the table of the largest transactions in docs/storage.md, by the text in the first column.
func documented(t *testing.T) map[string][3]int {
	text, err := os.ReadFile("../../docs/storage.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\n| largest transaction | checks | writes | KB |\n|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := map[string][3]int{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			t.Fatalf("not a row: %q", line)
		}
		var n [3]int
		for i := range n {
			if n[i], err = strconv.Atoi(strings.TrimSpace(cells[i+2])); err != nil {
				t.Error(err)
			}
		}
		rows[strings.TrimSpace(cells[1])] = n
	}
	return rows
}

// documentedAs are the texts of rows that are not the name of an operation.
var documentedAs = map[string]string{
	"ImportKeyMaterial":         "ImportKeyMaterial of new material after the pending material of 41 keys has expired",
	"DeleteImportedKeyMaterial": "DeleteImportedKeyMaterial of the pending material of 41 keys",
	"RotateKeyOnDemand":         "RotateKeyOnDemand of 41 keys with imported material, for the 25th time",
	"UpdatePrimaryRegion":       "UpdatePrimaryRegion of the same keys",
}

// checkRow compares a batch with its row of the document. The row is nil if the document has none. Texts of times differ
// by some bytes from run to run.
func checkRow(t *testing.T, row *[3]int, checks, writes, size int) {
	t.Helper()
	const least = 300_000 // of batches in the table
	switch {
	case row == nil && size > least:
		t.Errorf("docs/storage.md has no row for %d checks, %d writes, %d bytes", checks, writes, size)
	case row != nil && (row[0] != checks || row[1] != writes || row[2] < size/1000-1 || row[2] > size/1000+1):
		t.Errorf("docs/storage.md has %v, and it is %d checks, %d writes, %d KB", *row, checks, writes, size/1000)
	}
}

// The largest batch of every operation leaves 16 checks and 16 writes free, and is smaller than store.MaxBytes.
func TestLargestBatches(t *testing.T) {
	base, all := newSizedTest(t), largestOf()
	for name := range maps.Keys(changingOperations) {
		if all[name] == nil {
			t.Errorf("%s is not in the table of this test", name)
		}
	}
	for name := range maps.Keys(administrations) {
		if all[name] == nil {
			t.Errorf("%s is not in the table of this test", name)
		}
	}
	rows := documented(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		var row *[3]int
		if n, ok := rows[cmp.Or(documentedAs[name], name)]; ok {
			row = &n
			delete(rows, cmp.Or(documentedAs[name], name))
		}
		t.Run(name, func(t *testing.T) {
			s := base.again()
			s.accessTest = s.in(t)
			c := all[name](s)
			if len(c.batches) == 0 {
				t.Error("nothing was committed")
			}
			for _, path := range uncovered(c.batches) {
				t.Errorf("%s is written without its key: transactions that read it do not check it", path)
			}
			checks, writes, size := c.most()
			if t.Logf("%d checks, %d writes, %d bytes", checks, writes, size); checks > mostOps || writes > mostOps || size > mostBytes && name != sweepOfGrants {
				t.Errorf("more than %d checks or writes, or %d bytes", mostOps, mostBytes)
			}
			if name != sweepOfGrants {
				checkRow(t, row, checks, writes, size)
			}
		})
	}
	for name := range rows {
		t.Errorf("docs/storage.md has a row for %q, which this test does not have", name)
	}
}
