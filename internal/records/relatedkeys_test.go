package records

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A change of a key writes only the related keys that show the change.
func TestRelatedKeysThatAChangeWrites(t *testing.T) {
	other := func(k key.Key) key.Key {
		k.Pending = &key.Material{ID: "other", Sealed: []byte("x"), Slot: "new"}
		return k
	}
	for what, test := range map[string]struct {
		change func(primary key.Key, replica key.Key) key.Key
		writes string
		left   string // slots
	}{
		"nothing that replicas show":       {func(p, _ key.Key) key.Key { p.CreationDate = time.Unix(1, 0); return p }, "r1", ""},
		"nothing that the primary shows":   {func(_, r key.Key) key.Key { r.CreationDate = time.Unix(1, 0); return r }, "r2", ""},
		"the deletion date of a replica":   {func(_, r key.Key) key.Key { r.DeletionDate = time.Unix(9000, 0); return r }, "r1 r2", ""},
		"the deletion date of the primary": {func(p, _ key.Key) key.Key { p.DeletionDate = time.Unix(9000, 0); return p }, "r1", ""},
		"pending material of the primary":  {func(p, _ key.Key) key.Key { return other(p) }, "r1 r2 r3", "nr1 nr2 nr3"},
		"pending material of a replica":    {func(_, r key.Key) key.Key { return other(r) }, "r2", "nr2"},
		"a replica that becomes the primary": {func(p, r key.Key) key.Key {
			r.MultiRegion = key.MultiRegion{Primary: "r2", Replicas: []key.Replica{{Region: "r1"}, {Region: "r3"}}}
			return other(r)
		}, "r2", "nr2"},
	} {
		s := newStore(t, memory.New())
		primary, replicas := relatedKeysOf()
		all := append([]key.Key{primary}, replicas...)
		mustUpdate(t, s, func(tx *store.Tx) (err error) {
			for _, k := range all {
				if err == nil {
					err = InsertKey(tx, k, NewestLevel)
				}
			}
			return err
		})
		before := s.Revision()
		var left []string
		mustUpdate(t, s, func(tx *store.Tx) (err error) {
			left, err = PutKeys(tx, test.change(primary, replicas[0]))
			return err
		})
		written := map[string]bool{}
		err := s.View(t.Context(), func(v *store.View) error {
			for _, k := range all {
				rev, err := Keys.Revision(v, PathOf(k))
				if err != nil {
					return err
				}
				if rev > before {
					written[k.Region] = true
				}
			}
			return nil
		})
		slices.Sort(left)
		if got := strings.Join(slices.Sorted(maps.Keys(written)), " "); err != nil || got != test.writes || strings.Join(left, " ") != test.left {
			t.Errorf("%s: writes %s and leaves %q, %v, want %s and %s", what, got, left, err, test.writes, test.left)
		}
	}
}

// Records are counted from the phase on that follows the count.
func TestCountedReseals(t *testing.T) {
	for phase, want := range map[Phase]bool{
		PhaseWaiting: false, PhaseUsing: false, PhaseCounting: false, PhaseResealing: true, PhaseResting: true, PhaseChecking: true, "": false,
	} {
		if got := (Reseal{Phase: phase}).IsCounted(); got != want {
			t.Errorf("%s: %v", phase, got)
		}
	}
	if n := (Reseal{Left: map[string]int64{"1": 3, "2": 4}}).Remaining(); n != 7 || (Reseal{}).Remaining() != 0 {
		t.Errorf("%d records remain", n)
	}
}

// The prefix of a shape depends on the pairs alone, and not on what the hash was used for before.
func TestMatchPrefixBeginsAnew(t *testing.T) {
	r := GranteeShapes{Salt: []byte("0123456789abcdef")}
	equals, _ := DigestsOf(map[string]string{"a": "b"})
	subset, _ := DigestsOf(map[string]string{"c": "d"})
	shape := grantShape{Number: 1, Equals: true, Names: []string{"c"}}
	used := r.MAC()
	used.Write([]byte("x"))
	if got, want := shape.MatchPrefix(used, equals, subset), shape.MatchPrefix(r.MAC(), equals, subset); got != want || !strings.HasPrefix(got, "1/") {
		t.Errorf("%s, want %s", got, want)
	}
}
