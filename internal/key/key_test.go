package key

import (
	"testing"
	"time"
)

func TestAt(t *testing.T) {
	forever := presentMaterial(materialB, time.Time{})
	expiring := presentMaterial(materialA, noon)
	date := noon.Add(7 * day)
	for _, test := range []struct {
		name string
		from Key
		now  time.Time
		want Key
	}{
		{"without an end", externalKey(Enabled, forever), noon.AddDate(1000, 0, 0), externalKey(Enabled, forever)},
		{"1 ns before ValidTo", externalKey(Enabled, expiring), noon.Add(-1), externalKey(Enabled, expiring)},
		{"at ValidTo", externalKey(Enabled, expiring), noon, externalKey(PendingImport, missingMaterial(materialA))},
		{"at ValidTo in another zone", externalKey(Enabled, expiring), noon.In(time.FixedZone("", 3600)), externalKey(PendingImport, missingMaterial(materialA))},
		{"long after ValidTo", externalKey(Enabled, expiring), noon.AddDate(1000, 0, 0), externalKey(PendingImport, missingMaterial(materialA))},
		{"disabled, 1 ns before ValidTo", externalKey(Disabled, expiring), noon.Add(-1), externalKey(Disabled, expiring)},
		{"disabled, at ValidTo", externalKey(Disabled, expiring), noon, externalKey(PendingImport, missingMaterial(materialA))},
		{"pending import", externalKey(PendingImport), noon, externalKey(PendingImport)},
		{"one of two expires", externalKey(Enabled, expiring, forever), noon, externalKey(PendingImport, missingMaterial(materialA), forever)},
		{"both expire", externalKey(Enabled, expiring, presentMaterial(materialB, noon.Add(-1))), noon, externalKey(PendingImport, missingMaterial(materialA), missingMaterial(materialB))},
		{"pending deletion, 1 ns before ValidTo", keyDeletedAt(date, expiring), noon.Add(-1), keyDeletedAt(date, expiring)},
		{"pending deletion, at ValidTo", keyDeletedAt(date, expiring), noon, keyDeletedAt(date, missingMaterial(materialA))},
		{"1 ns before the deletion date", keyDeletedAt(date, forever), date.Add(-1), keyDeletedAt(date, forever)},
		{"the clock goes back", externalKey(PendingImport, missingMaterial(materialA)), noon.AddDate(-1000, 0, 0), externalKey(PendingImport, missingMaterial(materialA))},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runUnchanged(t, test.from, func() Key { return test.from.At(test.now) })
			wantKey(t, got, test.want)
			wantKey(t, got.At(test.now), got)
		})
	}
}

func TestAtTheDeletionDate(t *testing.T) {
	for _, k := range []Key{
		keyDeletedAt(noon), keyDeletedAt(noon, missingMaterial(materialA)),
		keyDeletedAt(noon, presentMaterial(materialA, time.Time{})), keyDeletedAt(noon, presentMaterial(materialA, noon.Add(-day))),
	} {
		for _, now := range []time.Time{noon, noon.Add(1), noon.AddDate(1000, 0, 0)} {
			got := runUnchanged(t, k, func() Key { return k.At(now) })
			if got.State != Gone || len(got.Materials) != 0 {
				t.Errorf("%s %v: %+v", now, k.Materials, got)
			}
			// Expired material does not come back, not even if the clock is set back.
			wantKey(t, got.At(noon.AddDate(-1000, 0, 0)), got)
			wantKey(t, got.At(now), got)
		}
	}
}

// At gives the same key at a moment whether or not it was applied to earlier moments first.
func TestAtByStages(t *testing.T) {
	k := keyDeletedAt(noon.Add(day), presentMaterial(materialA, noon))
	wantKey(t, k.At(noon).At(noon.Add(day)), k.At(noon.Add(day)))
}

// Methods that change materials do not share the slice with the original key.
func TestMaterialsAreNotShared(t *testing.T) {
	// With spare capacity, an append without a copy would write into the original's array.
	spare := func(m Material) []Material { return append(make([]Material, 0, 4), m) }
	live := externalKey(Enabled, spare(presentMaterial(materialA, noon))...)
	waiting := externalKey(PendingImport, spare(missingMaterial(materialA))...)
	imported, err := waiting.ImportMaterial(presentMaterial(materialA, time.Time{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := live.DeleteMaterial("")
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string]struct{ from, to Key }{
		"ImportMaterial": {waiting, imported},
		"DeleteMaterial": {live, deleted},
		"At":             {live, live.At(noon)},
	} {
		want := pair.from.Materials[0]
		pair.to.Materials[0] = Material{ID: "changed"}
		_ = append(pair.to.Materials, Material{ID: "added"})
		if got := pair.from.Materials; got[0].ID != want.ID || got[0].Present() != want.Present() || got[:2][1].ID != "" {
			t.Errorf("%s shares its materials: %+v", name, got[:2])
		}
	}
}

func TestMaterials(t *testing.T) {
	a, b := presentMaterial(materialA, noon), missingMaterial(materialB)
	k := externalKey(PendingImport, a, b)
	if m, ok := k.Material(materialA); !ok || !m.Present() || m.ExpirationModel() != MaterialExpires {
		t.Errorf("a: %+v, %v", m, ok)
	}
	if m, ok := k.Current(); !ok || m.ID != materialB || m.Present() || m.ExpirationModel() != MaterialDoesNotExpire {
		t.Errorf("current: %+v, %v", m, ok)
	}
	for _, id := range []string{"", "a", materialA[1:]} {
		if m, ok := k.Material(id); ok || m.ID != "" {
			t.Errorf("%q: %+v", id, m)
		}
	}
	if m, ok := externalKey(PendingImport).Current(); ok || m.ID != "" {
		t.Errorf("never imported: %+v", m)
	}
	if got := k.ARN(); got != keyARN {
		t.Error(got)
	}
}
