package key

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// runUnchanged runs a transition and checks that it does not modify the key that it starts from.
func runUnchanged(t *testing.T, k Key, transition func() Key) Key {
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
	a, b := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, time.Time{})
	expiring := presentMaterial(materialA, noon.Add(day))
	again := Material{ID: materialA, ValidTo: noon.Add(2 * day), Sealed: []byte("sealed again")}
	againDescribed := again
	againDescribed.Description = a.Description
	for _, test := range []struct {
		name     string
		from     Key
		material Material
		want     Key
	}{
		{"first", externalKey(PendingImport), a, externalKey(Enabled, a)},
		{"first, expiring", externalKey(PendingImport), expiring, externalKey(Enabled, expiring)},
		{"after a deletion", externalKey(PendingImport, missingMaterial(materialA)), again, externalKey(Enabled, againDescribed)},
		{"over live bytes", externalKey(Enabled, a), again, externalKey(Enabled, againDescribed)},
		{"over live bytes, to expire no more", externalKey(Enabled, expiring), a, externalKey(Enabled, a)},
		{"over live bytes of a disabled key", externalKey(Disabled, a), again, externalKey(Disabled, againDescribed)},
		{"over live bytes while updating", externalKey(Updating, a), again, externalKey(Updating, againDescribed)},
		{"one of two", externalKey(PendingImport, missingMaterial(materialA), missingMaterial(materialB)), a, externalKey(PendingImport, a, missingMaterial(materialB))},
		{"the other of two", externalKey(PendingImport, a, missingMaterial(materialB)), b, externalKey(Enabled, a, b)},
		{"the first of two comes last", externalKey(PendingImport, missingMaterial(materialA), b), a, externalKey(Enabled, a, b)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runUnchanged(t, test.from, func() Key {
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
		externalKey(Enabled, presentMaterial(materialA, time.Time{})),
		externalKey(Disabled, presentMaterial(materialA, noon.Add(day))),
		externalKey(PendingImport, missingMaterial(materialA)),
		externalKey(Enabled, presentMaterial(materialA, noon)).At(noon),
	} {
		got, err := k.ImportMaterial(presentMaterial(materialB, time.Time{}), nil)
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
		{"none at first", externalKey(PendingImport), nil, ""},
		{"given at first", externalKey(PendingImport), new("new"), "new"},
		{"kept over live bytes", externalKey(Enabled, presentMaterial(materialA, time.Time{})), nil, "of a"},
		{"kept after a deletion", externalKey(PendingImport, missingMaterial(materialA)), nil, "of a"},
		{"replaced", externalKey(Enabled, presentMaterial(materialA, time.Time{})), new("new"), "new"},
		{"replaced after a deletion", externalKey(PendingImport, missingMaterial(materialA)), new("new"), "new"},
		{"cleared", externalKey(Enabled, presentMaterial(materialA, time.Time{})), new(""), ""},
	} {
		k, err := test.from.ImportMaterial(Material{ID: materialA, Sealed: []byte("sealed")}, test.given)
		if m, ok := k.Current(); err != nil || !ok || m.Description != test.want {
			t.Errorf("%s: %q, %v", test.name, m.Description, err)
		}
	}
}

func TestDeleteMaterial(t *testing.T) {
	a, b, goneA, goneB := presentMaterial(materialA, noon.Add(day)), presentMaterial(materialB, time.Time{}), missingMaterial(materialA), missingMaterial(materialB)
	date := noon.Add(7 * day)
	for _, test := range []struct {
		name string
		from Key
		id   string
		want Key
	}{
		{"Enabled", externalKey(Enabled, a), "", externalKey(PendingImport, goneA)},
		{"Enabled, by ID", externalKey(Enabled, a), materialA, externalKey(PendingImport, goneA)},
		{"Disabled", externalKey(Disabled, a), "", externalKey(PendingImport, goneA)},
		{"PendingImport after a deletion", externalKey(PendingImport, goneA), "", externalKey(PendingImport, goneA)},
		{"PendingImport after a deletion, by ID", externalKey(PendingImport, goneA), materialA, externalKey(PendingImport, goneA)},
		{"PendingImport from the start", externalKey(PendingImport), "", externalKey(PendingImport)},
		{"PendingDeletion", keyDeletedAt(date, a), "", keyDeletedAt(date, goneA)},
		{"PendingDeletion without material", keyDeletedAt(date, goneA), "", keyDeletedAt(date, goneA)},
		{"PendingDeletion, never imported", keyDeletedAt(date), "", keyDeletedAt(date)},
		{"the current of two", externalKey(Enabled, a, b), "", externalKey(PendingImport, a, goneB)},
		{"the former of two", externalKey(Enabled, a, b), materialA, externalKey(PendingImport, goneA, b)},
		{"the second of two", externalKey(PendingImport, goneA, b), "", externalKey(PendingImport, goneA, goneB)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runUnchanged(t, test.from, func() Key {
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
	k := externalKey(PendingReplicaDeletion, presentMaterial(materialA, noon))
	got, err := k.DeleteMaterial("")
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, got, externalKey(PendingReplicaDeletion, missingMaterial(materialA)))
	wantKey(t, k.At(noon), externalKey(PendingReplicaDeletion, missingMaterial(materialA)))
}

func TestDeleteMaterialOfUnknownID(t *testing.T) {
	for _, k := range []Key{externalKey(Enabled, presentMaterial(materialA, time.Time{})), externalKey(PendingImport), keyDeletedAt(noon, missingMaterial(materialA))} {
		got, err := k.DeleteMaterial(materialB)
		wantError(t, err, KindNotFound, "Key material "+materialB+" is not associated with "+keyARN+".")
		wantKey(t, got, Key{})
	}
}

func TestEnableAndDisable(t *testing.T) {
	a := presentMaterial(materialA, noon.Add(day))
	for _, from := range []State{Enabled, Disabled} {
		k := externalKey(from, a)
		wantKey(t, runUnchanged(t, k, func() Key { return k.Enable(noon) }), externalKey(Enabled, a))
		wantKey(t, runUnchanged(t, k, k.Disable), externalKey(Disabled, a))
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
	a := presentMaterial(materialA, time.Time{})
	for _, days := range []int{MinDeletionWindow, 8, DefaultDeletionWindow} {
		for _, from := range []Key{externalKey(Enabled, a), externalKey(Disabled, a), externalKey(PendingImport), externalKey(PendingImport, missingMaterial(materialA))} {
			got := runUnchanged(t, from, func() Key { return from.ScheduleDeletion(days, noon) })
			want := keyDeletedAt(noon.AddDate(0, 0, days), from.Materials...)
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
	a, b := presentMaterial(materialA, noon.Add(day)), presentMaterial(materialB, time.Time{})
	date := noon.Add(7 * day)
	for _, test := range []struct {
		name       string
		from, want Key
	}{
		{"with material", keyDeletedAt(date, a), externalKey(Disabled, a)},
		{"with both materials", keyDeletedAt(date, a, b), externalKey(Disabled, a, b)},
		{"never imported", keyDeletedAt(date), externalKey(PendingImport)},
		{"deleted", keyDeletedAt(date, missingMaterial(materialA)), externalKey(PendingImport, missingMaterial(materialA))},
		{"one of two deleted", keyDeletedAt(date, missingMaterial(materialA), b), externalKey(PendingImport, missingMaterial(materialA), b)},
		{"expired meanwhile", keyDeletedAt(date, a).At(noon.Add(day)), externalKey(PendingImport, missingMaterial(materialA))},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantKey(t, runUnchanged(t, test.from, test.from.CancelDeletion), test.want)
		})
	}
}
