package key

import (
	"cmp"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

var walkSeed = flag.Uint64("walkseed", 0, "walk again the way that TestWalk printed")

// A walk leads one key through random transitions at random times, as the gate
// would: the key is taken At its time and nothing runs that the grid forbids.
type walk struct {
	t     *testing.T
	rules Rules
	rand  *rand.Rand
	now   time.Time
	k     Key
	steps map[string]int // that were permitted, by operation
}

// moves are the transitions. They return the key as it was if they refuse.
var moves = map[string]func(w *walk, k Key) Key{
	"CancelKeyDeletion":         func(_ *walk, k Key) Key { return k.CancelDeletion() },
	"DeleteImportedKeyMaterial": (*walk).deleteMaterial,
	"DisableKey":                func(_ *walk, k Key) Key { return k.Disable() },
	"EnableKey":                 func(_ *walk, k Key) Key { return k.Enable() },
	"ImportKeyMaterial":         (*walk).importMaterial,
	"ScheduleKeyDeletion": func(w *walk, k Key) Key {
		return k.ScheduleDeletion(MinDeletionWindow+w.rand.IntN(MaxDeletionWindow-MinDeletionWindow+1), w.now)
	},
}

// importMaterial imports one of two materials, which may expire.
func (w *walk) importMaterial(k Key) Key {
	m := present([]string{materialA, materialB}[w.rand.IntN(2)], time.Time{})
	if w.rand.IntN(2) == 0 {
		m.ValidTo = w.now.Add(1 + time.Duration(w.rand.Int64N(int64(20*day))))
	}
	got, err := k.ImportMaterial(m, nil)
	_, associated := k.Material(m.ID)
	if want := associated || len(k.Materials) == 0; (err == nil) != want {
		w.t.Errorf("import of %.1s into %+v: %v", m.ID, k, err)
	}
	if err != nil {
		return k
	}
	return got
}

func (w *walk) deleteMaterial(k Key) Key {
	id := []string{"", materialA, materialB}[w.rand.IntN(3)]
	got, err := k.DeleteMaterial(id)
	if err != nil {
		wantError(w.t, err, KindNotFound, "")
		return k
	}
	if m, ok := got.Current(); ok && m.Present() {
		w.t.Errorf("the material is still there: %+v", got)
	}
	return got
}

// step lets time pass and tries one operation.
func (w *walk) step() {
	if w.rand.IntN(3) == 0 {
		earlier := w.now.Add(time.Duration(w.rand.Int64N(int64(5 * day))))
		w.now = earlier.Add(time.Duration(w.rand.Int64N(int64(5 * day))))
		w.checkTime(earlier, w.now)
	}
	was := w.k.At(w.now)
	names := slices.Sorted(maps.Keys(moves))
	operation := names[w.rand.IntN(len(names))]
	err := w.rules.Permit(operation, was)
	switch _, refused := errors.AsType[*Error](err); {
	case was.State == Gone:
		if err == nil || refused {
			w.t.Errorf("%s of a key that is gone: %v", operation, err)
		}
	case refused:
	case err != nil:
		w.t.Error(err)
	default:
		w.k = unchanged(w.t, was, func() Key { return moves[operation](w, was) })
		w.steps[operation]++
	}
	w.checkKey(was, w.k.At(w.now))
}

// checkKey holds what is true of every key, and of every step from one to the next.
func (w *walk) checkKey(was, k Key) {
	if (k.State == Enabled || k.State == Disabled) && !(len(k.Materials) == 1 && k.Materials[0].Present()) {
		w.t.Errorf("%s without its material: %+v", k.State, k.Materials)
	}
	if k.State == PendingImport && len(k.Materials) > 0 && k.Materials[0].Present() {
		w.t.Errorf("PendingImport with its material: %+v", k.Materials)
	}
	if pending := k.State == PendingDeletion || k.State == Gone; pending == k.DeletionDate.IsZero() {
		w.t.Errorf("%s with deletion date %s", k.State, k.DeletionDate)
	}
	for _, m := range was.Materials {
		if _, ok := k.Material(m.ID); !ok {
			w.t.Errorf("material %.1s was forgotten", m.ID)
		}
	}
	for _, m := range k.Materials {
		if k.State != Gone && m.Present() && !m.ValidTo.IsZero() && !m.ValidTo.After(w.now) {
			w.t.Errorf("material %.1s is there after its end", m.ID)
		}
	}
	if was.State == Gone && k.State != Gone {
		w.t.Errorf("the key came back as %s", k.State)
	}
	if k.ID != uuid || k.Origin != OriginExternal || !k.CreationDate.Equal(noon.Add(-day)) {
		w.t.Errorf("the key is another: %+v", k)
	}
}

// checkTime holds what is true of a key at two moments, the first not after the
// second. Of a key that is gone nobody reads the materials: see TestAtByStages.
func (w *walk) checkTime(first, second time.Time) {
	one, two := w.k.At(first).At(second), w.k.At(second)
	if one.State == Gone && two.State == Gone {
		one.Materials, two.Materials = nil, nil
	}
	if !reflect.DeepEqual(one, two) || !reflect.DeepEqual(one.At(second), one) {
		w.t.Errorf("%+v\nat %s and %s is %+v\nat the latter %+v", w.k, first, second, one, two)
	}
}

func TestWalk(t *testing.T) {
	seed := cmp.Or(*walkSeed, rand.Uint64())
	t.Logf("-walkseed=%d", seed)
	w := walk{t: t, rules: ParseRules(), rand: rand.New(rand.NewPCG(seed, 0)), steps: map[string]int{}}
	ends := 0
	for range 500 {
		w.now, w.k = noon, external(PendingImport)
		for range 60 {
			w.step()
			if t.Failed() {
				t.FailNow()
			}
		}
		if w.k.At(w.now).State == Gone {
			ends++
		}
	}
	// A walk that goes nowhere would prove nothing.
	for name := range moves {
		if w.steps[name] < 100 {
			t.Errorf("%s ran only %d times", name, w.steps[name])
		}
	}
	if ends < 10 || ends == 500 {
		t.Errorf("%d of 500 keys came to an end", ends)
	}
}
