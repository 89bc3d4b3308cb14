package key

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

const near, far = "ap-south-1", "us-east-1" // Regions of replicas

// wantRelated compares the keys one by one.
func wantRelated(t *testing.T, got, want Related) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d keys, want %d", len(got), len(want))
	}
	for i := range want {
		wantKey(t, got[i], want[i])
	}
}

// generatedFamily returns a primary key with generated material, and its replicas.
func generatedFamily(t *testing.T) Related {
	t.Helper()
	all := family(t, far, near)
	for i, k := range all {
		k.Origin, k.Materials = OriginAWSKMS, []Material{sealedMaterial(k.Region, materialA)}
		all[i] = k
	}
	return all
}

// sealedMaterial returns a material as sealed for the key in a Region. The sealed bytes differ by Region.
func sealedMaterial(region, id string) Material {
	return Material{ID: id, Sealed: []byte("sealed in " + region), Slot: "slot in " + region}
}

// inEach returns the material as sealed for each of the keys.
func inEach(all Related, id string) (materials []Material) {
	for _, k := range all {
		materials = append(materials, sealedMaterial(k.Region, id))
	}
	return materials
}

func TestRelatedRotateOnDemand(t *testing.T) {
	all := generatedFamily(t)
	all[0] = all[0].EnableRotation(90, noon)
	all[1].State = Disabled
	all[2] = all[2].ScheduleDeletion(7, noon)
	before := fmt.Sprint(all)
	got, err := all.RotateOnDemand(inEach(all, materialB), noon.Add(day))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(all) != before {
		t.Error("the keys were changed")
	}
	want := slices.Clone(all) // only the material changes
	for i, k := range all {
		want[i].Materials = []Material{k.Materials[0], rotatedMaterial(sealedMaterial(k.Region, materialB), RotationOnDemand, noon.Add(day))}
	}
	wantRelated(t, got, want)
}

func TestRelatedRotate(t *testing.T) {
	all := generatedFamily(t)
	all[0] = all[0].EnableRotation(90, noon)
	all[1].State = Disabled
	now := noon.Add(90 * day)
	if !all[0].RotationDue(now) || all[1].RotationDue(now) || all[2].RotationDue(now) {
		t.Error("the rotation is not due in the primary key alone")
	}
	if due := all[0].Due(); due != now {
		t.Errorf("due %s", due)
	}
	before := fmt.Sprint(all)
	got := all.Rotate(inEach(all, materialB), now)
	if fmt.Sprint(all) != before {
		t.Error("the keys were changed")
	}
	want := slices.Clone(all)
	for i, k := range all {
		want[i].Materials = []Material{k.Materials[0], rotatedMaterial(sealedMaterial(k.Region, materialB), RotationAutomatic, now)}
	}
	want[0].Rotation.Next = noon.Add(180 * day)
	wantRelated(t, got, want)
}

// Replicas reject rotation, because it must be sent to the primary key.
func TestReplicasAreNotRotated(t *testing.T) {
	all := generatedFamily(t)
	want := all[1].ARN() + " is a multi-Region replica key: call this operation on its primary key, in eu-west-2."
	for _, err := range []error{all[1].CheckNotReplica(), all[1].CheckOnDemand(noon), all[1].CheckAutomaticRotation()} {
		wantError(t, err, KindUnsupportedOperation, want)
	}
	for _, err := range []error{all[0].CheckNotReplica(), all[0].CheckOnDemand(noon), all[0].CheckAutomaticRotation(), externalKey(Enabled).CheckNotReplica()} {
		if err != nil {
			t.Error(err)
		}
	}
	imported := family(t, far)[1]
	wantError(t, imported.CheckAutomaticRotation(), KindUnsupportedOperation, imported.ARN()+" origin is EXTERNAL which is not valid for this operation.")
}

// importedFamily returns a primary key and replicas with one common material, and one pending material for each of
// them, in the form given for that key.
func importedFamily(t *testing.T, waits ...Material) Related {
	t.Helper()
	all := family(t, far, near)
	for i, k := range all {
		k.Materials, k.Pending = []Material{sealedMaterial(k.Region, materialA)}, &waits[i]
		all[i] = k
	}
	return all
}

func TestRelatedRotateOnDemandImported(t *testing.T) {
	here, gone := presentMaterial(materialB, time.Time{}), Material{ID: materialB}
	until := func(end time.Duration) Material { return presentMaterial(materialB, noon.Add(end)) }
	none := make([]Material, 3)
	for name, test := range map[string]struct {
		all     Related
		lacking []string
	}{
		"all have it":              {importedFamily(t, here, here, here), nil},
		"only the primary key":     {importedFamily(t, here, gone, gone), []string{far, near}},
		"one has it not":           {importedFamily(t, here, here, gone), []string{near}},
		"one expires":              {importedFamily(t, here, here, until(1)), nil},
		"one has expired":          {importedFamily(t, here, until(0), here), []string{far}},
		"one does not know of it":  {importedFamily(t, here, Material{ID: materialC}, here), []string{far}},
		"one has other that waits": {importedFamily(t, here, presentMaterial(materialC, time.Time{}), here), []string{far}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.all.Lacking(noon); !slices.Equal(got, test.lacking) {
				t.Errorf("lacking %q", got)
			}
			got, err := test.all.RotateOnDemand(none, noon)
			if test.lacking != nil {
				wantError(t, err, KindInvalidState, "")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Clone(test.all)
			for i, k := range test.all {
				want[i].Materials, want[i].Pending = []Material{k.Materials[0], rotatedMaterial(*k.Pending, RotationOnDemand, noon)}, nil
			}
			wantRelated(t, got, want)
		})
	}
	_, err := importedFamily(t, here, here, gone).RotateOnDemand(none, noon)
	wantError(t, err, KindInvalidState, "Key material "+materialB+" is pending import: arn:aws:kms:eu-west-2:111122223333:key/"+mrk+
		" cannot be rotated before its replica keys have it, and those in ap-south-1 do not.")
	_, err = primaryAt(importedFamily(t, until(0), here, here), noon).RotateOnDemand(none, noon)
	wantError(t, err, KindInvalidState, "No available key material pending rotation for the key: arn:aws:kms:eu-west-2:111122223333:key/"+mrk+".")
}

// primaryAt returns the keys in the form that a transaction reads: At was applied to the primary key only.
func primaryAt(all Related, now time.Time) Related {
	all = slices.Clone(all)
	all[0] = all[0].At(now)
	return all
}

// A replica that is pending deletion does not block a rotation. If its deletion is cancelled, it lacks the new
// material.
func TestRotationGoesPastADoomedReplica(t *testing.T) {
	here, gone := presentMaterial(materialB, time.Time{}), Material{ID: materialB}
	all := importedFamily(t, here, gone, gone)
	all[1] = all[1].ScheduleDeletion(7, noon)
	all[2].Pending = &here
	if lacking := all.Lacking(noon); len(lacking) > 0 {
		t.Errorf("lacking %q", lacking)
	}
	got, err := all.RotateOnDemand(make([]Material, 3), noon)
	if err != nil {
		t.Fatal(err)
	}
	if m, _ := got[1].Current(); m.ID != materialB || m.Present() || got[1].State != PendingDeletion || got[1].Pending != nil {
		t.Errorf("%+v", got[1])
	}
	kept := got[1].CancelDeletion()
	if kept.State != PendingImport {
		t.Errorf("kept, it is %s", kept.State)
	}
	kept, err = kept.ImportMaterial(Material{ID: materialB, Sealed: []byte("sealed")}, nil)
	if err != nil || kept.State != Enabled {
		t.Errorf("with the material the key is %s, %v", kept.State, err)
	}
	back := slices.Clone(all)
	back[1] = all[1].CancelDeletion().Enable(noon)
	if lacking := back.Lacking(noon); !slices.Equal(lacking, []string{far}) {
		t.Errorf("lacking %q", lacking)
	}
}

// A replica takes only the material that is pending in its primary key. It still knows the ID after losing the
// bytes.
func TestPendingMaterialOfAReplica(t *testing.T) {
	primary := importedFamily(t, presentMaterial(materialB, noon.Add(day)), Material{}, Material{})[0]
	k := primary.NewReplica(far)
	if k.Pending == nil || !reflect.DeepEqual(*k.Pending, Material{ID: materialB}) {
		t.Fatalf("%+v is pending in a new replica", k.Pending)
	}
	_, err := k.ImportMaterial(presentMaterial(materialC, time.Time{}), nil)
	wantError(t, err, KindIncorrectKeyMaterial, "")
	m := sealedMaterial(far, materialB)
	m.ValidTo = noon.Add(time.Hour)
	got := runUnchanged(t, k, func() Key {
		got, err := k.ImportMaterial(m, new("mine"))
		if err != nil {
			t.Fatal(err)
		}
		return got
	})
	m.Description = "mine"
	if !reflect.DeepEqual(*got.Pending, m) || got.State != PendingImport || got.Due() != m.ValidTo || !slices.Equal(got.Slots(), []string{m.Slot}) {
		t.Errorf("%+v", got)
	}
	lost := Material{ID: materialB, Description: "mine"}
	deleted := runUnchanged(t, got, func() Key {
		k, err := got.DeleteMaterial(materialB)
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
	again, err := deleted.DeleteMaterial(materialB)
	for name, k := range map[string]Key{"expired": runUnchanged(t, got, func() Key { return got.At(m.ValidTo) }), "deleted": deleted, "deleted again": again} {
		if err != nil || k.Pending == nil || !reflect.DeepEqual(*k.Pending, lost) || !k.Due().IsZero() {
			t.Errorf("%s: %+v, %v", name, k.Pending, err)
		}
	}
	if k := primary.At(noon.Add(day)); k.Pending != nil {
		t.Errorf("%+v is pending in the primary key after its expiry", k.Pending)
	}
}

func TestAwait(t *testing.T) {
	b, c := presentMaterial(materialB, noon), presentMaterial(materialC, noon)
	for name, test := range map[string]struct {
		had, waits, want *Material
	}{
		"none":      {nil, nil, nil},
		"a new one": {nil, &b, &Material{ID: materialB}},
		"the same":  {&b, &Material{ID: materialB}, &b},
		"another":   {&b, &c, &Material{ID: materialC}},
		"no longer": {&b, nil, nil},
	} {
		k := family(t, far)[1]
		k.Pending = test.had
		got := runUnchanged(t, k, func() Key { return k.Await(test.waits) })
		k.Pending = test.want
		wantKey(t, got, k)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestAwaitsOther(t *testing.T) {
	a, b, c := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, time.Time{}), presentMaterial(materialC, time.Time{})
	for name, test := range map[string]struct {
		before, now Key
		want        bool
	}{
		"none waits":              {externalKey(Enabled, a), externalKey(Enabled, a), false},
		"one came":                {externalKey(Enabled, a), keyWithPending(Enabled, b, a), true},
		"it stays":                {keyWithPending(Enabled, b, a), keyWithPending(Enabled, presentMaterial(materialB, noon), a), false},
		"it was deleted":          {keyWithPending(Enabled, b, a), externalKey(Enabled, a), true},
		"another took its place":  {keyWithPending(Enabled, b, a), keyWithPending(Enabled, c, a), true},
		"it became current":       {keyWithPending(Enabled, b, a), externalKey(Enabled, a, b), false},
		"the first ever imported": {externalKey(PendingImport), externalKey(Enabled, a), false},
	} {
		if got := test.now.AwaitsOther(test.before); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestMovePrimary(t *testing.T) {
	all := family(t, "us-east-1", "ap-south-1")
	all[2] = all[2].ScheduleDeletion(7, noon)
	all[0] = all[0].WithReplicaDeletion("ap-south-1", all[2].DeletionDate)
	before := fmt.Sprint(all)
	moved, err := all.MovePrimary("us-east-1", noon)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(all) != before {
		t.Error("the keys were changed")
	}
	want := []Replica{{"ap-south-1", noon.Add(7 * day)}, {region, time.Time{}}}
	if k := moved[1]; !k.IsPrimary() || !reflect.DeepEqual(k.MultiRegion.Replicas, want) {
		t.Errorf("the primary key %+v", k.MultiRegion)
	}
	for _, i := range []int{0, 2} {
		if k := moved[i]; !k.IsReplica() || k.MultiRegion.Primary != "us-east-1" || k.MultiRegion.Replicas != nil {
			t.Errorf("the key in %s: %+v", k.Region, k.MultiRegion)
		}
	}
	if moved[2].State != PendingDeletion || moved[0].State != Enabled || len(moved[0].Materials) != 2 {
		t.Errorf("%+v", moved)
	}
}

// MovePrimary moves the rotation schedule and keeps the pending material, which the next primary key must have.
func TestMovePrimaryWithRotation(t *testing.T) {
	all := generatedFamily(t)
	all[0] = all[0].EnableRotation(90, noon)
	moved, err := all.MovePrimary(near, noon)
	if err != nil {
		t.Fatal(err)
	}
	if moved[2].Rotation != all[0].Rotation || moved[0].Rotation.Enabled() || moved[1].Rotation.Enabled() || moved[2].Due() != noon.Add(90*day) {
		t.Errorf("%+v", moved)
	}

	here, gone := presentMaterial(materialB, time.Time{}), Material{ID: materialB}
	for _, m := range []Material{gone, presentMaterial(materialB, noon), presentMaterial(materialC, time.Time{})} {
		_, err = importedFamily(t, here, m, here).MovePrimary(far, noon)
		wantError(t, err, KindInvalidState, "Key material "+materialB+" is pending import into the key in us-east-1, which cannot take the place of arn:aws:kms:eu-west-2:111122223333:key/"+mrk+" without it.")
	}
	all = importedFamily(t, here, presentMaterial(materialB, noon.Add(1)), gone)
	if moved, err = all.MovePrimary(far, noon); err != nil {
		t.Fatal(err)
	}
	for i, k := range moved {
		if !reflect.DeepEqual(k.Pending, all[i].Pending) {
			t.Errorf("in %s waits %+v", k.Region, k.Pending)
		}
	}
	// Material that has expired in the primary key is no longer pending in any key.
	if moved, err = primaryAt(importedFamily(t, presentMaterial(materialB, noon), gone, here), noon).MovePrimary(far, noon); err != nil {
		t.Fatal(err)
	}
	for _, k := range moved {
		if k.Pending != nil {
			t.Errorf("in %s waits %+v", k.Region, k.Pending)
		}
	}
}
