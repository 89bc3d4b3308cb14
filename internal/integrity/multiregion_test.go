package integrity

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A relatedTest is a damageTest that has a primary key and replicas too: one that stays, and one
// that is to be deleted.
type relatedTest struct {
	*damageTest
	primary, replica, doomed key.Key
	fresh                    []byte // material that no key has
}

func newRelatedTest(t *testing.T) *relatedTest {
	t.Helper()
	w := &relatedTest{damageTest: newDamageTest(t), fresh: crypt.NewSymmetricMaterial()}
	material := crypt.NewSymmetricMaterial()
	w.primary = w.newKey(key.OriginAWSKMS)
	w.primary.ID, w.primary.State, w.primary.MultiRegion = key.MultiRegionID(w.primary.ID), key.Enabled, key.MultiRegion{Primary: testRegion}
	w.primary = w.withMaterial(w.primary, material)
	for region, k := range map[string]*key.Key{"us-east-1": &w.replica, "ap-south-1": &w.doomed} {
		var err error
		w.primary, err = w.primary.WithReplica(region)
		w.must(err)
		*k = w.primary.NewReplica(region)
		k.Materials, k.State, k.Policy = nil, key.Enabled, w.primary.Policy
		*k = w.withMaterial(*k, material)
	}
	w.update(func(tx *store.Tx) error {
		err := errors.Join(records.InsertKey(tx, w.primary, records.TextLevel-1), records.InsertKey(tx, w.replica, records.TextLevel-1), records.InsertKey(tx, w.doomed, records.TextLevel-1))
		if err == nil {
			_, err = records.PutKeys(tx, w.doomed.ScheduleDeletion(7, time.Now().UTC()))
		}
		return err
	})
	w.primary, w.doomed = w.readKey(w.primary), w.readKey(w.doomed)
	return w
}

func (w *relatedTest) withMaterial(k key.Key, material []byte) key.Key {
	w.Helper()
	m, err := w.material(k, material)
	w.must(err)
	k.Materials = append(k.Materials, m)
	return k
}

func (w *relatedTest) readKey(k key.Key) (now key.Key) {
	w.Helper()
	w.update(func(tx *store.Tx) (err error) {
		now, _, err = records.Keys.Get(tx, records.PathOf(k))
		return err
	})
	return now
}

// Related keys agree at each moment of their deletion, also after a stop between the two changes.
func TestVerifyFindsNothingWrongWithRelatedKeys(t *testing.T) {
	w := newRelatedTest(t)
	agree := func(when string) {
		t.Helper()
		if findings, _, err := w.verify(); err != nil || len(findings) > 0 {
			t.Errorf("%s: found %q, %v", when, findings, err)
		}
	}
	agree("at first")
	if date := w.primary.MultiRegion.Replicas[0].DeletionDate; !date.Equal(w.doomed.DeletionDate) || date.IsZero() {
		t.Errorf("the primary key waits until %s", date)
	}
	later := w.doomed.DeletionDate
	put := func(k key.Key) {
		t.Helper()
		w.update(func(tx *store.Tx) error { _, err := records.PutKeys(tx, k); return err })
	}
	put(w.primary.ScheduleDeletion(7, time.Now().UTC()))
	agree("while the primary key waits")
	put(w.readKey(w.primary).At(later))
	agree("when the primary key has forgotten the replica")
	put(w.doomed.At(later))
	agree("when the replica is gone")
	w.update(func(tx *store.Tx) error {
		return errors.Join(records.Keys.Delete(tx, records.PathOf(w.doomed)), records.KeyTexts.Delete(tx, records.PathOf(w.doomed)))
	})
	w.alter("due/"+records.DuePath(later, records.PathOf(w.doomed)), remove)
	agree("when it is removed")
}

// relatedDamages are damages of related keys, with all findings of each.
var relatedDamages = map[string]struct {
	do   func(w *relatedTest)
	want []string
}{
	"a replica that is missing": {func(w *relatedTest) { w.alter("key/"+records.PathOf(w.replica), remove) },
		[]string{"key-text/REPLICA: there is no such key", "key/PRIMARY: its replica in us-east-1 is missing"}},
	"a primary key that is missing": {func(w *relatedTest) {
		w.alter("key/"+records.PathOf(w.primary), remove)
		w.alter("due/"+records.DuePath(w.primary.Due(), records.PathOf(w.primary)), remove)
	}, []string{"key-text/PRIMARY: there is no such key", "key/REPLICA: the primary key in eu-west-2 does not list it", "multi-region/.*: there is no such primary key in \"eu-west-2\""}},
	"a replica that the primary key does not know": {func(w *relatedTest) {
		w.primary.MultiRegion.Replicas = w.primary.MultiRegion.Replicas[:1]
		w.replace(w.primary)
	},
		[]string{"key/REPLICA: the primary key in eu-west-2 does not list it"}},
	"a primary key that is a replica": {func(w *relatedTest) {
		w.primary.MultiRegion.Primary = "us-east-1"
		w.replace(w.primary)
	}, []string{"key/PRIMARY: it is not a primary key, but has replicas", "key/REPLICA: the primary key in eu-west-2 does not list it", "key/DOOMED: the primary key in eu-west-2 does not list it", "multi-region/.*: there is no such primary key in \"eu-west-2\""}},
	"a second place for a primary key": {func(w *relatedTest) {
		w.update(func(tx *store.Tx) error {
			return records.Families.Put(tx, records.FamilyPath(w.primary), records.Family{Primary: "us-east-1"})
		})
	}, []string{`multi-region/.*: there is no such primary key in "us-east-1"`}},
	"no place for a primary key": {func(w *relatedTest) { w.alter("multi-region/"+records.FamilyPath(w.primary), remove) },
		[]string{"multi-region/.*: it is missing: arn:aws:kms:eu-west-2:"}},
	"two primary keys": {func(w *relatedTest) { w.replica.MultiRegion.Primary = "us-east-1"; w.replace(w.replica) },
		[]string{`key/PRIMARY: its replica in us-east-1 has the primary key in "us-east-1"`}},
	"a replica of another primary key": {func(w *relatedTest) { w.replica.MultiRegion.Primary = "ap-south-1"; w.replace(w.replica) },
		[]string{`key/PRIMARY: its replica in us-east-1 has the primary key in "ap-south-1"`, "key/REPLICA: the primary key in ap-south-1 does not list it"}},
	"another deletion date": {func(w *relatedTest) {
		w.primary = w.primary.WithReplicaDeletion("us-east-1", w.doomed.DeletionDate.Add(time.Hour))
		w.replace(w.primary)
	}, []string{"key/REPLICA: the primary key in eu-west-2 has another deletion date"}},
	"other material": {func(w *relatedTest) {
		w.replica.Materials = nil
		w.replica = w.withMaterial(w.replica, crypt.NewSymmetricMaterial())
		w.replace(w.replica)
	}, []string{"key/REPLICA: the primary key in eu-west-2 is associated with other material"}},
	"material that was rotated to at another time": {func(w *relatedTest) {
		at := time.Now().UTC()
		for i, k := range []key.Key{w.primary, w.replica, w.doomed} {
			k = w.withMaterial(k, w.fresh)
			k.Materials[1].RotationType, k.Materials[1].RotationDate = key.RotationOnDemand, at.Add(time.Duration(i/2)*time.Second)
			w.replace(k)
		}
	}, []string{"key/DOOMED: the primary key in eu-west-2 is associated with other material"}},
	"a rotation of one key alone": {func(w *relatedTest) {
		w.primary = w.withMaterial(w.primary, w.fresh)
		w.primary.Materials[1].RotationType, w.primary.Materials[1].RotationDate = key.RotationAutomatic, time.Now().UTC()
		w.replace(w.primary)
	}, []string{"key/REPLICA: the primary key in eu-west-2 is associated with other material", "key/DOOMED: the primary key in eu-west-2 is associated with other material"}},
	"a rotation that a replica plans": {func(w *relatedTest) {
		w.replica = w.replica.EnableRotation(90, time.Now())
		w.update(func(tx *store.Tx) error { _, err := records.PutKeys(tx, w.replica); return err })
	}, []string{"key/REPLICA: a rotation is planned here, and not in the primary key in eu-west-2"}},
	"generated material that waits": {func(w *relatedTest) { w.replica.Pending = &key.Material{ID: "x"}; w.replace(w.replica) },
		[]string{"key/REPLICA: material x cannot wait for a rotation of such a key; the primary key in eu-west-2 has other pending material, or none"}},
	"another origin": {func(w *relatedTest) { w.replica.Origin = key.OriginExternal; w.replace(w.replica) },
		[]string{"key/REPLICA: the primary key in eu-west-2 has another spec, usage or origin"}},
	"replicas in disorder": {func(w *relatedTest) {
		r := w.primary.MultiRegion.Replicas
		r[0], r[1] = r[1], r[0]
		w.replace(w.primary)
	}, []string{"key/PRIMARY: its replica in ap-south-1 is out of place"}},
	"a replica in its own Region": {func(w *relatedTest) {
		w.primary, _ = w.primary.WithReplica(testRegion)
		w.replace(w.primary)
	}, []string{"key/PRIMARY: its replica in eu-west-2 is out of place"}},
	"a single-Region key with a multi-Region ID": {func(w *relatedTest) { w.replica.MultiRegion = key.MultiRegion{}; w.replace(w.replica) },
		[]string{"key/REPLICA: the form of its ID", `key/PRIMARY: its replica in us-east-1 has the primary key in ""`}},
	"a multi-Region key with a single-Region ID": {func(w *relatedTest) { w.empty.MultiRegion.Primary = testRegion; w.replace(w.empty) },
		[]string{"key/EMPTY: the form of its ID"}},
	"a family of nothing": {func(w *relatedTest) {
		w.update(func(tx *store.Tx) error { return records.Families.Put(tx, "x", records.Family{Primary: "y"}) })
	}, []string{`multi-region/x: there is no such primary key in "y"`}},
	"a primary key that waits for nothing": {func(w *relatedTest) {
		w.primary = w.primary.ScheduleDeletion(7, time.Now())
		w.primary.MultiRegion.Replicas = nil
		w.replace(w.primary)
		w.alter("due/"+records.DuePath(w.doomed.DeletionDate, records.PathOf(w.primary)), remove)
	}, []string{`key/PRIMARY: the state "PendingReplicaDeletion" does not fit`, "key/REPLICA: the primary key in eu-west-2 does not list it"}},
	"a waiting period of a key that does not wait": {func(w *relatedTest) { w.primary.MultiRegion.DeletionWindow = 7; w.replace(w.primary) },
		[]string{"key/PRIMARY: a waiting period of 7 days does not fit its state"}},
	"no waiting period": {func(w *relatedTest) { w.primary.State = key.PendingReplicaDeletion; w.replace(w.primary) },
		[]string{"key/PRIMARY: a waiting period of 0 days does not fit its state"}},
	"material of another Region": {func(w *relatedTest) {
		w.must(w.slots.Erase(w.Context(), w.replica.Slots()...))
		w.replica.Materials = w.primary.Materials
		w.replace(w.replica)
	}, []string{"key/REPLICA: another record names the slot .*; material .* does not open"}},
}

// addPending makes the related keys keys of origin EXTERNAL, with pending material in the primary
// key and in the replica that stays.
func (w *relatedTest) addPending() {
	w.Helper()
	pending := func(k key.Key) *key.Material {
		all := w.withMaterial(k, w.fresh).Materials
		return &all[len(all)-1]
	}
	for _, k := range []*key.Key{&w.primary, &w.replica, &w.doomed} {
		k.Origin = key.OriginExternal
		k.Pending = pending(*k)
	}
	w.must(w.slots.Erase(w.Context(), w.doomed.Pending.Slot))
	w.doomed = w.doomed.Await(nil).Await(w.primary.Pending)
	for _, k := range []key.Key{w.primary, w.replica, w.doomed} {
		w.replace(k)
	}
}

// waitingDamages are damages of related keys with pending material.
var waitingDamages = map[string]struct {
	do   func(w *relatedTest)
	want []string
}{
	"nothing": {func(*relatedTest) {}, nil},
	"other material that waits": {func(w *relatedTest) { w.replica.Pending = &key.Material{ID: "x"}; w.replace(w.replica) },
		[]string{"key/REPLICA: the primary key in eu-west-2 has other pending material, or none"}},
	"none that waits in a replica": {func(w *relatedTest) { w.replica.Pending = nil; w.replace(w.replica) },
		[]string{"key/REPLICA: the primary key in eu-west-2 has other pending material, or none"}},
	"none that waits in the primary key": {func(w *relatedTest) { w.primary.Pending = nil; w.replace(w.primary) },
		[]string{"key/REPLICA: the primary key in eu-west-2 has other pending material, or none", "key/DOOMED: the primary key in eu-west-2 has other pending material, or none"}},
	"a primary key that waits for material": {func(w *relatedTest) {
		w.primary.Pending = &key.Material{ID: w.primary.Pending.ID}
		w.replace(w.primary)
	},
		[]string{"key/PRIMARY: material .* cannot wait for a rotation of such a key"}},
	"a rotation that left a replica out": {func(w *relatedTest) {
		at := time.Now().UTC()
		for _, k := range []key.Key{w.primary, w.doomed} {
			m := *k.Pending
			m.RotationType, m.RotationDate = key.RotationOnDemand, at
			k.Materials, k.Pending = append(k.Materials, m), nil
			w.replace(k)
		}
	}, []string{"key/REPLICA: the primary key in eu-west-2 is associated with other material"}},
}

func TestVerifyFindsDamageOfRelatedKeysThatWait(t *testing.T) {
	for name, damage := range waitingDamages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRelatedTest(t)
			w.addPending()
			damage.do(w)
			w.wantFindings(damage.want, "PRIMARY", records.PathOf(w.primary), "REPLICA", records.PathOf(w.replica), "DOOMED", records.PathOf(w.doomed))
		})
	}
}

// The maximum number of replicas can drop pending material in one transaction, although each
// changes its entry in the index of due times.
func TestMostReplicasForgetInOneTransaction(t *testing.T) {
	w := newRelatedTest(t)
	soon, later := time.Now().UTC().Add(time.Hour), time.Now().UTC().Add(2*time.Hour)
	waits := func(k key.Key) key.Key {
		k.Origin = key.OriginExternal
		k.Materials = []key.Material{{ID: "a", Sealed: []byte("x"), Slot: "a" + k.Region, ValidTo: later}}
		k.Pending = &key.Material{ID: "b", Sealed: []byte("x"), Slot: "b" + k.Region, ValidTo: soon}
		return k
	}
	primary := waits(w.primary)
	primary.ID, primary.MultiRegion.Replicas = key.MultiRegionID(uuid.NewString()), nil
	all := []key.Key{primary}
	for i := range key.MaxReplicas {
		region := fmt.Sprintf("xx-yy-%d", i)
		all = append(all, waits(primary.NewReplica(region)))
		var err error
		all[0], err = all[0].WithReplica(region)
		w.must(err)
	}
	for some := range slices.Chunk(all, 20) {
		w.update(func(tx *store.Tx) error { _, err := records.PutKeys(tx, some...); return err })
	}
	forgotten, err := all[0].DeleteMaterial("b")
	w.must(err)
	var left []string
	w.update(func(tx *store.Tx) error {
		left, err = records.PutKeys(tx, forgotten)
		return errors.Join(err, records.Outbox.Put(tx, uuid.NewString(), records.PendingEvent{}))
	})
	if len(left) != 1+key.MaxReplicas || slices.ContainsFunc(left, func(slot string) bool { return slot[0] != 'b' }) {
		t.Errorf("left %q", left)
	}
	for _, k := range all {
		if k = w.readKey(k); k.Pending != nil || k.Due() != later {
			t.Errorf("in %s waits %+v until %s", k.Region, k.Pending, k.Due())
		}
	}
}

func TestVerifyFindsDamageOfRelatedKeys(t *testing.T) {
	for name, damage := range relatedDamages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRelatedTest(t)
			damage.do(w)
			w.wantFindings(damage.want, "PRIMARY", records.PathOf(w.primary), "REPLICA", records.PathOf(w.replica), "DOOMED", records.PathOf(w.doomed))
		})
	}
}

// The slots that several keys leave in one transaction are in one Erasure, which is removed after
// the erasure.
func TestOneNoteOfWhatRelatedKeysLeave(t *testing.T) {
	w := newRelatedTest(t)
	want := append(w.primary.Slots(), w.replica.Slots()...)
	primary, replica := w.primary, w.replica
	primary.Materials, replica.Materials = nil, nil
	var left []string
	w.update(func(tx *store.Tx) (err error) {
		left, err = records.PutKeys(tx, primary, replica)
		return err
	})
	if len(want) != 2 || !slices.Equal(left, want) {
		t.Fatalf("left %q, want %q", left, want)
	}
	w.update(func(tx *store.Tx) error {
		note, noted, err := records.Erasures.Get(tx, left[0])
		_, another, otherErr := records.Erasures.Get(tx, left[1])
		if !noted || another || !slices.Equal(note.Also, left[1:]) {
			t.Errorf("noted %v %q, another %v", noted, note.Also, another)
		}
		return errors.Join(err, otherErr)
	})
}
