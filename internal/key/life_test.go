package key

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// unchanged runs a transition and checks that it does not modify the key that it starts from.
func unchanged(t *testing.T, k Key, transition func() Key) Key {
	t.Helper()
	before := k
	before.Materials = slices.Clone(k.Materials)
	if k.Pending != nil {
		before.Pending = new(*k.Pending)
	}
	after := transition()
	if !reflect.DeepEqual(k, before) {
		t.Errorf("the transition changed the key it started from: %+v, was %+v", k, before)
	}
	return after
}

func wantKey(t *testing.T, got, want Key) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestImportMaterial(t *testing.T) {
	a, b := present(materialA, time.Time{}), present(materialB, time.Time{})
	expiring := present(materialA, noon.Add(day))
	again := Material{ID: materialA, ValidTo: noon.Add(2 * day), Sealed: []byte("sealed again")}
	againDescribed := again
	againDescribed.Description = a.Description
	for _, test := range []struct {
		name     string
		from     Key
		material Material
		want     Key
	}{
		{"first", external(PendingImport), a, external(Enabled, a)},
		{"first, expiring", external(PendingImport), expiring, external(Enabled, expiring)},
		{"after a deletion", external(PendingImport, missing(materialA)), again, external(Enabled, againDescribed)},
		{"over live bytes", external(Enabled, a), again, external(Enabled, againDescribed)},
		{"over live bytes, to expire no more", external(Enabled, expiring), a, external(Enabled, a)},
		{"over live bytes of a disabled key", external(Disabled, a), again, external(Disabled, againDescribed)},
		{"over live bytes while updating", external(Updating, a), again, external(Updating, againDescribed)},
		{"one of two", external(PendingImport, missing(materialA), missing(materialB)), a, external(PendingImport, a, missing(materialB))},
		{"the other of two", external(PendingImport, a, missing(materialB)), b, external(Enabled, a, b)},
		{"the first of two comes last", external(PendingImport, missing(materialA), b), a, external(Enabled, a, b)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := unchanged(t, test.from, func() Key {
				k, err := test.from.ImportMaterial(test.material, descriptionOf(test.material))
				if err != nil {
					t.Fatal(err)
				}
				return k
			})
			wantKey(t, got, test.want)
		})
	}
}

// descriptionOf returns the material's description as a request would give it.
func descriptionOf(m Material) *string {
	if m.Description == "" {
		return nil
	}
	return &m.Description
}

// A key stays associated with its material permanently, even without the bytes.
func TestImportMaterialRefusesOther(t *testing.T) {
	for _, k := range []Key{
		external(Enabled, present(materialA, time.Time{})),
		external(Disabled, present(materialA, noon.Add(day))),
		external(PendingImport, missing(materialA)),
		external(Enabled, present(materialA, noon)).At(noon),
	} {
		got, err := k.ImportMaterial(present(materialB, time.Time{}), nil)
		wantError(t, err, KindIncorrectKeyMaterial, "")
		wantKey(t, got, Key{})
	}
}

func TestImportMaterialDescription(t *testing.T) {
	for _, test := range []struct {
		name  string
		from  Key
		given *string
		want  string
	}{
		{"none at first", external(PendingImport), nil, ""},
		{"given at first", external(PendingImport), new("new"), "new"},
		{"kept over live bytes", external(Enabled, present(materialA, time.Time{})), nil, "of a"},
		{"kept after a deletion", external(PendingImport, missing(materialA)), nil, "of a"},
		{"replaced", external(Enabled, present(materialA, time.Time{})), new("new"), "new"},
		{"replaced after a deletion", external(PendingImport, missing(materialA)), new("new"), "new"},
		{"cleared", external(Enabled, present(materialA, time.Time{})), new(""), ""},
	} {
		k, err := test.from.ImportMaterial(Material{ID: materialA, Sealed: []byte("sealed")}, test.given)
		if m, ok := k.Current(); err != nil || !ok || m.Description != test.want {
			t.Errorf("%s: %q, %v", test.name, m.Description, err)
		}
	}
}

func TestDeleteMaterial(t *testing.T) {
	a, b, goneA, goneB := present(materialA, noon.Add(day)), present(materialB, time.Time{}), missing(materialA), missing(materialB)
	date := noon.Add(7 * day)
	for _, test := range []struct {
		name string
		from Key
		id   string
		want Key
	}{
		{"Enabled", external(Enabled, a), "", external(PendingImport, goneA)},
		{"Enabled, by ID", external(Enabled, a), materialA, external(PendingImport, goneA)},
		{"Disabled", external(Disabled, a), "", external(PendingImport, goneA)},
		{"PendingImport after a deletion", external(PendingImport, goneA), "", external(PendingImport, goneA)},
		{"PendingImport after a deletion, by ID", external(PendingImport, goneA), materialA, external(PendingImport, goneA)},
		{"PendingImport from the start", external(PendingImport), "", external(PendingImport)},
		{"PendingDeletion", deletedAt(date, a), "", deletedAt(date, goneA)},
		{"PendingDeletion without material", deletedAt(date, goneA), "", deletedAt(date, goneA)},
		{"PendingDeletion, never imported", deletedAt(date), "", deletedAt(date)},
		{"the current of two", external(Enabled, a, b), "", external(PendingImport, a, goneB)},
		{"the former of two", external(Enabled, a, b), materialA, external(PendingImport, goneA, b)},
		{"the second of two", external(PendingImport, goneA, b), "", external(PendingImport, goneA, goneB)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := unchanged(t, test.from, func() Key {
				k, err := test.from.DeleteMaterial(test.id)
				if err != nil {
					t.Fatal(err)
				}
				return k
			})
			wantKey(t, got, test.want)
		})
	}
}

// Losing material does not change the state of a key that is pending deletion in either way. A primary key that
// waits for its replicas must not leave its state by losing its bytes.
func TestLosingMaterialKeepsPendingReplicaDeletion(t *testing.T) {
	k := external(PendingReplicaDeletion, present(materialA, noon))
	got, err := k.DeleteMaterial("")
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, got, external(PendingReplicaDeletion, missing(materialA)))
	wantKey(t, k.At(noon), external(PendingReplicaDeletion, missing(materialA)))
}

func TestDeleteMaterialOfUnknownID(t *testing.T) {
	for _, k := range []Key{external(Enabled, present(materialA, time.Time{})), external(PendingImport), deletedAt(noon, missing(materialA))} {
		got, err := k.DeleteMaterial(materialB)
		wantError(t, err, KindNotFound, "Key material "+materialB+" is not associated with "+keyARN+".")
		wantKey(t, got, Key{})
	}
}

func TestEnableAndDisable(t *testing.T) {
	a := present(materialA, noon.Add(day))
	for _, from := range []State{Enabled, Disabled} {
		k := external(from, a)
		wantKey(t, unchanged(t, k, func() Key { return k.Enable(noon) }), external(Enabled, a))
		wantKey(t, unchanged(t, k, k.Disable), external(Disabled, a))
	}
}

func TestCheckDeletionWindow(t *testing.T) {
	for days, good := range map[int]bool{-7: false, 0: false, 1: false, 6: false, 7: true, 8: true, 29: true, 30: true, 31: false, 365: false} {
		err := CheckDeletionWindow(days)
		if good && err != nil {
			t.Errorf("%d days: %v", days, err)
		}
		if !good {
			wantError(t, err, KindValidation, "PendingWindowInDays must be between 7 and 30.")
		}
	}
	if err := CheckDeletionWindow(DefaultDeletionWindow); err != nil {
		t.Errorf("default: %v", err)
	}
}

// The deletion date is exact to the nanosecond, and the material stays until then.
func TestScheduleDeletion(t *testing.T) {
	a := present(materialA, time.Time{})
	for _, days := range []int{MinDeletionWindow, 8, DefaultDeletionWindow} {
		for _, from := range []Key{external(Enabled, a), external(Disabled, a), external(PendingImport), external(PendingImport, missing(materialA))} {
			got := unchanged(t, from, func() Key { return from.ScheduleDeletion(days, noon) })
			want := deletedAt(noon.AddDate(0, 0, days), from.Materials...)
			wantKey(t, got, want)
			wantKey(t, got.At(want.DeletionDate.Add(-1)), want)
			if at := got.At(want.DeletionDate); at.State != Gone {
				t.Errorf("%d days: %s at the deletion date", days, at.State)
			}
		}
	}
}

// A key that lacks material must not become Disabled, because EnableKey would make it Enabled.
func TestCancelDeletion(t *testing.T) {
	a, b := present(materialA, noon.Add(day)), present(materialB, time.Time{})
	date := noon.Add(7 * day)
	for _, test := range []struct {
		name       string
		from, want Key
	}{
		{"with material", deletedAt(date, a), external(Disabled, a)},
		{"with both materials", deletedAt(date, a, b), external(Disabled, a, b)},
		{"never imported", deletedAt(date), external(PendingImport)},
		{"deleted", deletedAt(date, missing(materialA)), external(PendingImport, missing(materialA))},
		{"one of two deleted", deletedAt(date, missing(materialA), b), external(PendingImport, missing(materialA), b)},
		{"expired meanwhile", deletedAt(date, a).At(noon.Add(day)), external(PendingImport, missing(materialA))},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantKey(t, unchanged(t, test.from, test.from.CancelDeletion), test.want)
		})
	}
}
