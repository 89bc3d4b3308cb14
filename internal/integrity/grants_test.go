package integrity

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// grantDamages are damages of a deployment with two grants on the enabled key: one with all
// members, and another with only the required members.
var grantDamages = map[string]struct {
	do   func(w *damageTest, full, bare key.Grant)
	want []string
}{
	"a grant that is missing": {func(w *damageTest, full, _ key.Grant) { w.alter("grant/"+records.GrantPath(full), remove) },
		[]string{"grant-match/ENABLED/.*: no such grant is there", "grant-of-grantee/ENABLED/.*: no such grant is there", "grant-of-retirer/.*: no such grant is there", "grant-request/ENABLED/.*: no such grant is there"}},
	"a grant in another place": {func(w *damageTest, full, _ key.Grant) {
		w.update(func(tx *store.Tx) error { return records.Grants.Put(tx, records.PathOf(w.empty)+"/"+full.ID, full) })
	}, []string{"grant/EMPTY/.*: its content belongs to another path"}},
	"a grant with a bad ID": {func(w *damageTest, _, bare key.Grant) {
		bare.ID = "x"
		w.update(func(tx *store.Tx) error { return records.Grants.Put(tx, records.GrantPath(bare), bare) })
	}, []string{"grant/ENABLED/x: its content belongs to another path"}},
	"a grant to nobody": {func(w *damageTest, _, bare key.Grant) {
		bare.Grantee = ""
		w.update(func(tx *store.Tx) error {
			return errors.Join(records.Grants.Put(tx, records.GrantPath(bare), bare), records.GrantsOfGrantee.Put(tx, records.GrantOfGranteePath(bare), struct{}{}))
		})
	}, []string{"grant/ENABLED/.*: ValidationException: A grant needs a GranteePrincipal", "grant-of-grantee/ENABLED/.*: no such grant is there", "grant-guard/ENABLED: it counts 2 grants, and there are 3",
		"grant-match/ENABLED/.*: no such grant is there", "grant-shapes/ENABLED/: it is missing: grant/ENABLED"}},
	"a grant of what the key cannot do": {func(w *damageTest, _, bare key.Grant) {
		bare.Operations = []string{"Sign"}
		w.update(func(tx *store.Tx) error { return records.Grants.Put(tx, records.GrantPath(bare), bare) })
	}, []string{"grant/ENABLED/.*: ValidationException: A grant on .* cannot allow the operation Sign",
		"grant-match/ENABLED/.*: no such grant is there", "grant-shapes/ENABLED/.*: it lacks the shape of grant/ENABLED"}},
	"a grant of something else than was asked for": {func(w *damageTest, full, _ key.Grant) {
		full.Operations = []string{"Encrypt"}
		w.update(func(tx *store.Tx) error { return records.Grants.Put(tx, records.GrantPath(full), full) })
	}, []string{"grant-request/ENABLED/.*: it is missing: grant/ENABLED", "grant-request/ENABLED/.*: no such grant is there",
		"grant-match/ENABLED/.*: no such grant is there", "grant-shapes/ENABLED/.*: it lacks the shape of grant/ENABLED"}},
	"a grant under another context": {func(w *damageTest, full, _ key.Grant) {
		full.Constraints.ContextSubset["a"] = "c"
		full.Name = ""
		w.update(func(tx *store.Tx) error { return records.Grants.Put(tx, records.GrantPath(full), full) })
	}, []string{"grant-match/ENABLED/.*: it is missing: grant/ENABLED/", "grant-match/ENABLED/.*: no such grant is there", "grant-request/ENABLED/.*: no such grant is there"}},
	"no entry of what a grant allows": {func(w *damageTest, full, _ key.Grant) {
		w.alter("grant-match/"+w.shapesOf(full).MatchPath(full, w.shapesOf(full).Shapes[0]), remove)
	}, []string{"grant-match/ENABLED/.*: it is missing: grant/ENABLED/", "grant-shapes/ENABLED/.*: it counts 1 grants of the shape 1, and there are 0"}},
	"no shapes of a grantee": {func(w *damageTest, full, _ key.Grant) { w.alter("grant-shapes/"+records.GrantShapesPath(full), remove) },
		[]string{"grant-shapes/ENABLED/.*: it is missing: grant/ENABLED/.*", "grant-shapes/ENABLED/.*: it is missing: grant/ENABLED/.*",
			"grant-match/ENABLED/.*: the shapes of its grantee are not there", "grant-match/ENABLED/.*: the shapes of its grantee are not there"}},
	"two shapes of one number": {func(w *damageTest, full, _ key.Grant) {
		r := w.shapesOf(full)
		r.Shapes[1].Number = 1
		w.update(func(tx *store.Tx) error { return records.GrantShapes.Put(tx, records.GrantShapesPath(full), r) })
	}, []string{"grant-shapes/ENABLED/.*: several shapes, or none, can have the number 1", "grant-match/ENABLED/.*/1/.*: it is missing: grant/ENABLED", "grant-match/ENABLED/.*/2/.*: no such grant is there"}},
	"a format at another path": {func(w *damageTest, _, _ key.Grant) {
		w.update(func(tx *store.Tx) error { return records.Formats.Put(tx, "x", records.Format{Format: 1}) })
	}, []string{"format/x: its content belongs"}},
	"a format that does not open": {func(w *damageTest, _, _ key.Grant) { w.alter("format/records", flip) },
		[]string{"format/records: the sealed value does not open"}},
	"a grant to somebody else": {func(w *damageTest, _, bare key.Grant) {
		bare.Grantee = "arn:aws:iam::111122223333:root"
		w.update(func(tx *store.Tx) error { return records.Grants.Put(tx, records.GrantPath(bare), bare) })
	}, []string{"grant-of-grantee/ENABLED/.*root/.*: it is missing: grant/ENABLED", "grant-of-grantee/ENABLED/.*: no such grant is there",
		"grant-match/ENABLED/.*: no such grant is there", "grant-shapes/ENABLED/.*root: it is missing: grant/ENABLED"}},
	"no entry of a grantee": {func(w *damageTest, full, _ key.Grant) {
		w.alter("grant-of-grantee/"+records.GrantOfGranteePath(full), remove)
	},
		[]string{"grant-of-grantee/ENABLED/.*: it is missing: grant/ENABLED/", "grant-guard/ENABLED: it counts 2 grants, and there are 1"}},
	"no entry of a retiring principal": {func(w *damageTest, full, _ key.Grant) {
		w.alter("grant-of-retirer/"+records.GrantOfRetirerPath(full), remove)
	},
		[]string{"grant-of-retirer/.*: it is missing: grant/ENABLED/"}},
	"an entry of a grant that nobody retires": {func(w *damageTest, full, bare key.Grant) {
		bare.Retiring = full.Retiring
		w.update(func(tx *store.Tx) error {
			return records.GrantsOfRetirer.Put(tx, records.GrantOfRetirerPath(bare), struct{}{})
		})
	}, []string{"grant-of-retirer/.*: no such grant is there"}},
	"entries of no grant": {func(w *damageTest, _, _ key.Grant) {
		w.update(func(tx *store.Tx) error {
			return errors.Join(records.GrantsOfGrantee.Put(tx, "x", struct{}{}), records.GrantsOfRetirer.Put(tx, "x/y", struct{}{}), records.GrantRequests.Put(tx, "x/y/z", records.GrantRequest{GrantID: "x"}),
				records.GrantMatches.Put(tx, "x/y/z", struct{}{}), records.GrantShapes.Put(tx, "x", records.GranteeShapes{}))
		})
	}, []string{"grant-of-grantee/x: its content belongs", "grant-of-retirer/x/y: its content belongs", "grant-request/x/y/z: its content belongs",
		"grant-match/x/y/z: its content belongs", "grant-shapes/x: its content belongs"}},
	"a request for another grant": {func(w *damageTest, full, bare key.Grant) {
		path, err := records.GrantRequestPath(full)
		w.must(err)
		w.update(func(tx *store.Tx) error {
			return records.GrantRequests.Put(tx, path, records.GrantRequest{GrantID: bare.ID})
		})
	}, []string{"grant-request/ENABLED/.*: no such grant is there"}},
	"shapes that cannot be": {func(w *damageTest, full, _ key.Grant) {
		r := w.shapesOf(full)
		short, none := r, r
		short.Salt, none.Shapes = r.Salt[1:], nil
		w.update(func(tx *store.Tx) error {
			return errors.Join(records.GrantShapes.Put(tx, "a/b/c", r), records.GrantShapes.Put(tx, "a/b/c/short", short), records.GrantShapes.Put(tx, "a/b/c/none", none))
		})
	}, []string{"grant-shapes/a/b/c: its content belongs", "grant-shapes/a/b/c/short: its content belongs", "grant-shapes/a/b/c/none: its content belongs"}},
	"a wrong count of grants": {func(w *damageTest, _, _ key.Grant) {
		w.update(func(tx *store.Tx) error {
			return records.GrantGuards.Put(tx, records.PathOf(w.enabled), records.GrantGuard{Count: 1})
		})
	}, []string{"grant-guard/ENABLED: it counts 1 grants, and there are 2"}},
	"no count of grants": {func(w *damageTest, _, _ key.Grant) { w.alter("grant-guard/"+records.PathOf(w.enabled), remove) },
		[]string{"grant-guard/ENABLED: it is missing: grant/ENABLED/.*", "grant-guard/ENABLED: it is missing: grant/ENABLED/.*"}},
	"a count of nothing": {func(w *damageTest, _, _ key.Grant) {
		w.update(func(tx *store.Tx) error { return records.GrantGuards.Put(tx, "x/y/z", records.GrantGuard{Count: 1}) })
	}, []string{"grant-guard/x/y/z: there is no such key"}},
	"a key that is missing": {func(w *damageTest, _, _ key.Grant) {
		w.update(func(tx *store.Tx) error {
			a, b := w.alias("one", w.enabled), w.alias("two", w.enabled)
			return errors.Join(records.RemoveAlias(tx, a), records.RemoveAlias(tx, b), records.Usages.Delete(tx, records.PathOf(w.enabled)), records.Keys.Delete(tx, records.PathOf(w.enabled)), records.KeyTexts.Delete(tx, records.PathOf(w.enabled)))
		})
	}, []string{"grant/ENABLED/.*: there is no such key", "grant/ENABLED/.*: there is no such key", "grant-guard/ENABLED: there is no such key"}},
	"a flipped bit": {func(w *damageTest, full, _ key.Grant) { w.alter("grant/"+records.GrantPath(full), flip) },
		[]string{"grant/ENABLED/.*: the sealed value does not open"}},
}

// withGrants adds the two grants to a damageTest.
func withGrants(t *testing.T) (w *damageTest, full, bare key.Grant) {
	w = newDamageTest(t)
	k := w.enabled
	bare = key.Grant{ID: grantID(), Account: k.Account, Region: k.Region, KeyID: k.ID, IssuingAccount: k.Account, Grantee: verifiedApp, Operations: []string{"Decrypt"}}
	full = bare
	full.ID, full.Name, full.Retiring = grantID(), "full", "arn:aws:iam::111122223333:user/a/b"
	full.Constraints = key.GrantConstraints{ContextSubset: map[string]string{"a": "b"}}
	w.update(func(tx *store.Tx) error {
		return errors.Join(records.InsertGrant(tx, full), records.InsertGrant(tx, bare))
	})
	return w, full, bare
}

// shapesOf returns the shapes of a grant's grantee.
func (w *damageTest) shapesOf(g key.Grant) (r records.GranteeShapes) {
	w.Helper()
	w.must(store.New(w.backend, w.keyring.Records()).View(w.Context(), func(v *store.View) (err error) {
		r, _, err = records.GrantShapes.Get(v, records.GrantShapesPath(g))
		return err
	}))
	return r
}

func TestVerifyFindsNothingWrongWithGrants(t *testing.T) {
	w, _, _ := withGrants(t)
	findings, s, err := w.verify()
	want := map[string]int{"grant": 2, "grant-guard": 1, "grant-match": 2, "grant-of-grantee": 2, "grant-of-retirer": 1, "grant-request": 1, "grant-shapes": 1}
	maps.DeleteFunc(s.Records, func(prefix string, _ int) bool { return want[prefix] == 0 })
	if err != nil || len(findings) > 0 || !maps.Equal(s.Records, want) {
		t.Errorf("found %q, %v, in %v", findings, err, s.Records)
	}
	// A stopped sweep leaves records that are not findings.
	gone := w.enabled.AsGone()
	w.update(func(tx *store.Tx) error {
		_, err := records.PutKeys(tx, gone)
		return errors.Join(err, records.GrantGuards.Put(tx, records.PathOf(gone), records.GrantGuard{Count: 7}))
	})
	if findings, _, err := w.verify(); err != nil || len(findings) > 0 {
		t.Errorf("found %q, %v", findings, err)
	}
}

// Format 1 has no shapes of grants. Format 2 needs them.
func TestVerifyNeedsShapesFromFormat2On(t *testing.T) {
	for format, want := range map[int]int{1: 0, 2: 2} {
		w, full, bare := withGrants(t)
		shapes := w.shapesOf(full)
		for _, g := range []key.Grant{full, bare} {
			w.alter("grant-match/"+shapes.MatchPath(g, shapes.Shapes[shapes.Find(records.ShapeOf(g))]), remove)
		}
		w.alter("grant-shapes/"+records.GrantShapesPath(full), remove)
		w.update(func(tx *store.Tx) error {
			return records.Formats.Put(tx, records.FormatPath, records.Format{Format: format})
		})
		findings, _, err := w.verify()
		if err != nil || len(findings) != want {
			t.Errorf("format %d: %q, %v", format, findings, err)
		}
	}
}

func TestVerifyFindsDamagedGrants(t *testing.T) {
	for name, damage := range grantDamages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, full, bare := withGrants(t)
			damage.do(w, full, bare)
			w.wantFindings(damage.want)
		})
	}
}

const verifiedApp = "arn:aws:iam::111122223333:role/app"

// grantID returns the ID of a new grant.
func grantID() string {
	id := make([]byte, 32)
	rand.Read(id)
	return hex.EncodeToString(id)
}
