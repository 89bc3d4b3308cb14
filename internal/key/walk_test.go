package key

import (
	"cmp"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var walkSeed = flag.Uint64("walkseed", 0, "walk again the way that TestWalk printed")

// A walk applies random transitions at random times to one key. Like the gate, it calls At first and runs only
// what the grid permits.
type walk struct {
	t     *testing.T
	rules Rules
	rand  *rand.Rand
	now   time.Time
	k     Key
	steps map[string]int // count of permitted steps by operation
}

// moves are the transitions. A transition that fails returns the key unchanged.
var moves = map[string]func(w *walk, k Key) Key{
	"CancelKeyDeletion":         func(_ *walk, k Key) Key { return k.CancelDeletion() },
	"DeleteImportedKeyMaterial": (*walk).deleteMaterial,
	"DisableKey":                func(_ *walk, k Key) Key { return k.Disable() },
	"EnableKey":                 func(w *walk, k Key) Key { return k.Enable(w.now) },
	"ImportKeyMaterial":         (*walk).importMaterial,
	"RotateKeyOnDemand":         (*walk).rotate,
	"ScheduleKeyDeletion": func(w *walk, k Key) Key {
		return k.ScheduleDeletion(MinDeletionWindow+w.rand.IntN(MaxDeletionWindow-MinDeletionWindow+1), w.now)
	},
}

// walkMaterials are the IDs of the materials that a walk imports and deletes.
var walkMaterials = []string{materialA, materialB, strings.Repeat("c", 64), strings.Repeat("d", 64)}

func (w *walk) material() string { return walkMaterials[w.rand.IntN(len(walkMaterials))] }

// importMaterial imports a random material with a random expiry, as new or existing material.
func (w *walk) importMaterial(k Key) Key {
	m := presentMaterial(w.material(), time.Time{})
	if w.rand.IntN(2) == 0 {
		m.ValidTo = w.now.Add(1 + time.Duration(w.rand.Int64N(int64(20*day))))
	}
	_, associated := k.Material(m.ID)
	waits := k.Pending != nil && k.Pending.ID == m.ID
	importIt, want := k.ImportMaterial, associated || waits || len(k.Materials) == 0
	if w.rand.IntN(4) == 0 {
		importIt, want = k.ImportNewMaterial, !associated && k.Pending == nil
	}
	got, err := importIt(m, nil)
	if (err == nil) != want {
		w.t.Errorf("import of %.1s into %+v: %v", m.ID, k, err)
	}
	if err != nil {
		return k
	}
	return got
}

func (w *walk) deleteMaterial(k Key) Key {
	id := append(walkMaterials, "")[w.rand.IntN(len(walkMaterials)+1)]
	got, err := k.DeleteMaterial(id)
	if err != nil {
		wantError(w.t, err, KindNotFound, "")
		return k
	}
	if id == "" {
		m, _ := k.Current()
		id = m.ID
	}
	if slices.ContainsFunc(got.AllMaterials(), func(m Material) bool { return m.ID == id && m.Present() }) {
		w.t.Errorf("the material is still present: %+v", got)
	}
	return got
}

func (w *walk) rotate(k Key) Key {
	got, err := rotateOnDemand(k, Material{}, w.now)
	if err != nil {
		wantError(w.t, err, KindInvalidState, "")
		if k.Pending != nil {
			w.t.Errorf("%v, with %+v", err, k.Pending)
		}
		return k
	}
	if m, _ := got.Current(); m.ID != k.Pending.ID || got.Pending != nil || got.State != Enabled {
		w.t.Errorf("rotated to %+v", got)
	}
	return got
}

// step advances the clock and tries one operation.
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
		w.k = runUnchanged(w.t, was, func() Key { return moves[operation](w, was) })
		w.steps[operation]++
	}
	w.checkKey(was, w.k.At(w.now))
}

// checkKey checks the invariants of a key and of a step from one key to the next.
func (w *walk) checkKey(was, k Key) {
	missing := len(k.Materials) == 0 || slices.ContainsFunc(k.Materials, func(m Material) bool { return !m.Present() })
	if (k.State == Enabled || k.State == Disabled) && missing {
		w.t.Errorf("%s without its material: %+v", k.State, k.Materials)
	}
	if k.State == PendingImport && !missing {
		w.t.Errorf("PendingImport with its material: %+v", k.Materials)
	}
	if k.Pending != nil && (len(k.Materials) == 0 || !k.Pending.Present()) {
		w.t.Errorf("%+v waits behind %+v", k.Pending, k.Materials)
	}
	if pending := k.State == PendingDeletion || k.State == Gone; pending == k.DeletionDate.IsZero() {
		w.t.Errorf("%s with deletion date %s", k.State, k.DeletionDate)
	}
	for i, m := range was.Materials {
		if k.State != Gone && (len(k.Materials) <= i || k.Materials[i].ID != m.ID || k.Materials[i].RotationDate != m.RotationDate) {
			w.t.Errorf("material %.1s was forgotten", m.ID)
		}
	}
	for _, m := range k.AllMaterials() {
		if k.State != Gone && m.Present() && !m.ValidTo.IsZero() && !m.ValidTo.After(w.now) {
			w.t.Errorf("material %.1s is present after its expiry", m.ID)
		}
	}
	if was.State == Gone && k.State != Gone {
		w.t.Errorf("a key that was gone became %s", k.State)
	}
	if k.ID != uuid || k.Origin != OriginExternal || !k.CreationDate.Equal(noon.Add(-day)) {
		w.t.Errorf("the key has changed: %+v", k)
	}
}

// checkTime checks that At at the second moment gives the same key whether or not At was applied at the first.
// It does not compare the materials of a key that is gone, see TestAtByStages.
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
		w.now, w.k = noon, externalKey(PendingImport)
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
	// Without enough steps of every kind, the walk would prove nothing.
	for name := range moves {
		if w.steps[name] < 100 {
			t.Errorf("%s ran only %d times", name, w.steps[name])
		}
	}
	if ends < 10 || ends == 500 {
		t.Errorf("%d of 500 keys were deleted", ends)
	}
}
