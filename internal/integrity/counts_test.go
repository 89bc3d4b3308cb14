package integrity

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Grants and aliases are counted beyond one page of an index.
func TestVerifyCountsAllPages(t *testing.T) {
	w, _, bare := withGrants(t)
	var ids []string
	for n := range 70 {
		w.update(func(tx *store.Tx) (err error) {
			for range 8 {
				g := bare
				g.ID = grantID()
				ids = append(ids, g.ID)
				err = errors.Join(err, records.InsertGrant(tx, g))
			}
			if n < 50 {
				err = errors.Join(err, records.InsertAlias(tx, w.alias("more/"+string(rune('a'+n%26))+strings.Repeat("x", n), w.empty)))
			}
			return err
		})
		if n == 49 {
			w.wantFindings(nil)
		}
	}
	w.wantFindings(nil)
	last := bare
	last.ID = slices.Max(ids)
	w.alter("grant-of-grantee/"+records.GrantOfGranteePath(last), remove)
	w.wantFindings([]string{"grant-guard/ENABLED: it counts 562 grants, and there are 561", "grant-of-grantee/ENABLED/.*: it is missing: grant/ENABLED/.*"})
}

// A key that is being removed, and records that do not open, have no findings besides their own.
func TestVerifyReportsDamageOnce(t *testing.T) {
	w, _, _ := withGrants(t)
	w.alter("key/"+records.PathOf(w.enabled), flip)
	w.wantFindings([]string{"key/ENABLED: the sealed value does not open"})

	w, full, _ := withGrants(t)
	w.alter("grant-shapes/"+records.GrantShapesPath(full), flip)
	w.wantFindings([]string{"grant-shapes/ENABLED/.*: the sealed value does not open"})

	w, full, _ = withGrants(t)
	w.alter("grant-of-retirer/"+records.GrantOfRetirerPath(full), flip)
	w.wantFindings([]string{"grant-of-retirer/.*: the sealed value does not open"})

	w, full, _ = withGrants(t)
	w.alter("grant-of-grantee/"+records.GrantOfGranteePath(full), flip)
	w.wantFindings([]string{"grant-of-grantee/ENABLED/.*: the sealed value does not open"})

	for _, broken := range []func(w *relatedTest) key.Key{
		func(w *relatedTest) key.Key { return w.primary }, func(w *relatedTest) key.Key { return w.replica },
	} {
		w := newRelatedTest(t)
		path := records.PathOf(broken(w))
		w.alter("key/"+path, flip)
		w.wantFindings([]string{"key/" + path + ": the sealed value does not open"})
	}
}

// A multi-Region key fits its related keys, its ID and its waiting period.
func TestRulesOfRelatedKeys(t *testing.T) {
	names := func(w *relatedTest) []string {
		return []string{"PRIMARY", records.PathOf(w.primary), "REPLICA", records.PathOf(w.replica), "DOOMED", records.PathOf(w.doomed)}
	}
	waits := func(window int) func(w *relatedTest) {
		return func(w *relatedTest) {
			k := w.primary
			k.State, k.MultiRegion.DeletionWindow, k.DeletionDate = key.PendingReplicaDeletion, window, time.Time{}
			w.replace(k)
		}
	}
	const window = "key/PRIMARY: .*a waiting period of "
	for name, damage := range map[string]struct {
		do   func(w *relatedTest)
		want []string
	}{
		"a window of 7 days":  {waits(7), nil},
		"a window of 30 days": {waits(30), nil},
		"a window of 6 days":  {waits(6), []string{window + "6 days"}},
		"a window of 31 days": {waits(31), []string{window + "31 days"}},
		"no window":           {waits(0), []string{window + "0 days"}},
		"a window of a key that is in use": {func(w *relatedTest) {
			w.primary.MultiRegion.DeletionWindow = 7
			w.replace(w.primary)
		}, []string{window + "7 days"}},
		"an ID of another form": {func(w *relatedTest) {
			w.enabled.MultiRegion.Primary = testRegion
			w.replace(w.enabled)
		}, []string{"key/ENABLED: the form of its ID does not fit"}},
		"replicas of a replica": {func(w *relatedTest) {
			w.replica.MultiRegion.Replicas = []key.Replica{{Region: "eu-west-3"}}
			w.replace(w.replica)
		}, []string{"key/REPLICA: it is not a primary key, but has replicas"}},
		"a set without a record": {func(w *relatedTest) { w.alter("multi-region/"+records.FamilyPath(w.primary), remove) },
			[]string{"multi-region/.*: it is missing: arn:"}},
		"a set of a replica": {func(w *relatedTest) {
			w.update(func(tx *store.Tx) error {
				return records.Families.Put(tx, records.FamilyPath(w.primary), records.Family{Primary: w.replica.Region})
			})
		}, []string{"multi-region/.*: there is no such primary key in \"us-east-1\""}},
		"another spec": {func(w *relatedTest) {
			w.replica.Origin = key.OriginExternal
			w.replace(w.replica)
		}, []string{"key/REPLICA: the primary key in eu-west-2 has another spec, usage or origin"}},
		"a replica twice": {func(w *relatedTest) {
			w.primary.MultiRegion.Replicas = []key.Replica{w.primary.MultiRegion.Replicas[0], w.primary.MultiRegion.Replicas[1], w.primary.MultiRegion.Replicas[1]}
			w.replace(w.primary)
		}, []string{"key/PRIMARY: its replica in us-east-1 is out of place"}},
		"a replica in the Region of the primary key": {func(w *relatedTest) {
			r := w.primary.MultiRegion.Replicas
			w.primary.MultiRegion.Replicas = []key.Replica{r[0], {Region: testRegion}, r[1]}
			w.replace(w.primary)
		}, []string{"key/PRIMARY: its replica in eu-west-2 is out of place"}},
		"replicas out of order": {func(w *relatedTest) {
			r := w.primary.MultiRegion.Replicas
			w.primary.MultiRegion.Replicas = []key.Replica{r[1], r[0]}
			w.replace(w.primary)
		}, []string{"key/PRIMARY: its replica in ap-south-1 is out of place"}},
		"another usage": {func(w *relatedTest) {
			w.replica.Usage = key.GenerateVerifyMAC
			w.replace(w.replica)
		}, []string{"key/REPLICA: .*the primary key in eu-west-2 has another spec, usage or origin"}},
		"another deletion date": {func(w *relatedTest) {
			replicas := slices.Clone(w.primary.MultiRegion.Replicas)
			replicas[0].DeletionDate = replicas[0].DeletionDate.Add(time.Second)
			w.primary.MultiRegion.Replicas = replicas
			w.replace(w.primary)
		}, []string{"key/DOOMED: the primary key in eu-west-2 has another deletion date for it", "due/.*", "due/.*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRelatedTest(t)
			damage.do(w)
			w.wantFindings(damage.want, names(w)...)
		})
	}
	at := time.Unix(5000, 0)
	m := key.Material{ID: "m", RotationType: key.RotationOnDemand, RotationDate: at, Slot: "a", ValidTo: at, Description: "d"}
	for name, test := range map[string]struct {
		change func(o *key.Material)
		same   bool
	}{
		"nothing":     {func(*key.Material) {}, true},
		"bytes":       {func(o *key.Material) { o.Slot, o.Sealed = "b", []byte("x") }, true},
		"expiry":      {func(o *key.Material) { o.ValidTo = time.Time{} }, true},
		"description": {func(o *key.Material) { o.Description = "e" }, true},
		"ID":          {func(o *key.Material) { o.ID = "n" }, false},
		"type":        {func(o *key.Material) { o.RotationType = key.RotationAutomatic }, false},
		"date":        {func(o *key.Material) { o.RotationDate = at.Add(1) }, false},
	} {
		o := m
		if test.change(&o); sameInAllRegions(m, o) != test.same {
			t.Errorf("with another %s", name)
		}
	}
}

// Material that opens and has its ID, but does not fit the spec of its key, is found.
func TestVerifyFindsMaterialOfAnotherSpec(t *testing.T) {
	w := newDamageTest(t)
	short := make([]byte, 16)
	id, err := crypt.MaterialID(w.enabled.ID, short)
	w.must(err)
	m, err := w.sealer().Seal(t.Context(), w.enabled, id, short)
	w.must(err)
	w.enabled.Materials = []key.Material{m}
	w.replace(w.enabled)
	w.wantFindings([]string{"key/ENABLED: material [0-9a-f]{64}: .*SYMMETRIC_DEFAULT"})
}
