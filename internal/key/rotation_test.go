package key

import (
	"fmt"
	"testing"
	"time"
)

var materialC = fmt.Sprintf("%064x", 12)

// keyWithPending returns a key with imported material and pending material.
func keyWithPending(state State, pending Material, materials ...Material) Key {
	k := externalKey(state, materials...)
	k.Pending = &pending
	return k
}

// rotatedMaterial returns a material that a rotation made current.
func rotatedMaterial(m Material, t RotationType, date time.Time) Material {
	m.RotationType, m.RotationDate = t, date
	return m
}

// generatedKey returns an enabled key with generated material.
func generatedKey(r Rotation, materials ...Material) Key {
	k := externalKey(Enabled, materials...)
	k.Origin, k.Rotation = OriginAWSKMS, r
	return k
}

// rotateOnDemand rotates a single-Region key.
func rotateOnDemand(k Key, generated Material, now time.Time) (Key, error) {
	rotated, err := Related{k}.RotateOnDemand([]Material{generated}, now)
	if err != nil {
		return Key{}, err
	}
	return rotated[0], nil
}

func TestImportNewMaterial(t *testing.T) {
	a, b, c := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, noon.Add(day)), presentMaterial(materialC, time.Time{})
	for _, test := range []struct {
		name     string
		from     Key
		material Material
		want     Key
	}{
		{"the first", externalKey(PendingImport), a, externalKey(Enabled, a)},
		{"the second", externalKey(Enabled, a), b, keyWithPending(Enabled, b, a)},
		{"the third", externalKey(Enabled, a, b), c, keyWithPending(Enabled, c, a, b)},
		{"into a disabled key", externalKey(Disabled, a), b, keyWithPending(Disabled, b, a)},
		{"while the first is gone", externalKey(PendingImport, missingMaterial(materialA)), b, keyWithPending(PendingImport, b, missingMaterial(materialA))},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := runUnchanged(t, test.from, func() Key {
				k, err := test.from.ImportNewMaterial(test.material, &test.material.Description)
				if err != nil {
					t.Fatal(err)
				}
				return k
			})
			wantKey(t, got, test.want)
		})
	}
}

func TestImportNewMaterialRefused(t *testing.T) {
	a, b, c := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, time.Time{}), presentMaterial(materialC, time.Time{})
	hmac := externalKey(Enabled, a)
	hmac.Spec = "HMAC_256"
	associated := "The key material in the request is already associated with " + keyARN + "."
	for _, test := range []struct {
		name     string
		from     Key
		material Material
		kind     Kind
		message  string
	}{
		{"the current one", externalKey(Enabled, a), a, KindIncorrectKeyMaterial, associated},
		{"a former one", externalKey(Enabled, a, b), a, KindIncorrectKeyMaterial, associated},
		{"a lost one", externalKey(PendingImport, missingMaterial(materialA)), a, KindIncorrectKeyMaterial, associated},
		{"the one that waits", keyWithPending(Enabled, b, a), b, KindIncorrectKeyMaterial, associated},
		{"the current one while another waits", keyWithPending(Enabled, b, a), a, KindIncorrectKeyMaterial, associated},
		{"while another waits", keyWithPending(Enabled, b, a), c, KindInvalidState,
			"New key material (id: " + materialC + ") cannot be imported into KMS key " + keyARN + ", because another key material (id: " + materialB + ") is pending rotation."},
		{"into a key of one material", hmac, b, KindUnsupportedOperation, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.from.ImportNewMaterial(test.material, nil)
			wantError(t, err, test.kind, test.message)
			wantKey(t, got, Key{})
		})
	}
}

// Pending material is imported again, deleted, or expires. After the last two, the key is as if it had never
// been there.
func TestPendingMaterial(t *testing.T) {
	a, b := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, noon.Add(day))
	k := keyWithPending(Enabled, b, a)
	if due := k.Due(); due != b.ValidTo {
		t.Errorf("due %s", due)
	}
	wantKey(t, k.At(noon.Add(day-1)), k)
	wantKey(t, runUnchanged(t, k, func() Key { return k.At(noon.Add(day)) }), externalKey(Enabled, a))

	again := b
	again.ValidTo, again.Sealed, again.Description = time.Time{}, []byte("sealed again"), ""
	got, err := k.ImportMaterial(again, nil)
	if again.Description = b.Description; err != nil {
		t.Fatal(err)
	}
	wantKey(t, got, keyWithPending(Enabled, again, a))

	got, err = k.DeleteMaterial(materialB)
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, got, externalKey(Enabled, a))
	got, err = k.DeleteMaterial("") // deletes the current material, not the pending one
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, got, keyWithPending(PendingImport, b, missingMaterial(materialA)))
	if got := keyDeletedAt(noon, a).At(noon); len(got.Slots()) != 0 || got.Pending != nil {
		t.Errorf("of a key that is gone: %+v", got)
	}

	_, err = externalKey(Enabled, a).ImportMaterial(b, nil)
	wantError(t, err, KindIncorrectKeyMaterial, "")
	_, err = k.ImportMaterial(presentMaterial(materialC, time.Time{}), nil)
	wantError(t, err, KindIncorrectKeyMaterial, "")
}

func TestRotateOnDemand(t *testing.T) {
	a, b, c := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, noon.Add(day)), presentMaterial(materialC, time.Time{})
	k := keyWithPending(Enabled, b, a)
	got := runUnchanged(t, k, func() Key {
		got, err := rotateOnDemand(k, Material{}, noon)
		if err != nil {
			t.Fatal(err)
		}
		return got
	})
	wantKey(t, got, externalKey(Enabled, a, rotatedMaterial(b, RotationOnDemand, noon)))
	// The material is associated now: without it the key is PendingImport, and importing it restores the key.
	lost := got.At(noon.Add(day))
	wantKey(t, lost, externalKey(PendingImport, a, rotatedMaterial(missingMaterial(materialB), RotationOnDemand, noon)))
	back, err := lost.ImportMaterial(Material{ID: materialB, Sealed: b.Sealed, ValidTo: b.ValidTo}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, back, got)

	r := Rotation{PeriodInDays: 90, Next: noon.Add(30 * day)}
	own := generatedKey(r, a)
	got, err = rotateOnDemand(own, c, noon.Add(time.Microsecond))
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, got, generatedKey(r, a, rotatedMaterial(c, RotationOnDemand, noon)))
}

func TestRotateOnDemandRefused(t *testing.T) {
	a, b := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, time.Time{})
	often := []Material{a}
	for range MaxOnDemandRotations {
		often = append(often, rotatedMaterial(presentMaterial(materialC, time.Time{}), RotationOnDemand, noon))
	}
	hmac := generatedKey(Rotation{}, a)
	hmac.Spec = "HMAC_256"
	soon := func(d time.Duration) Rotation { return Rotation{PeriodInDays: 90, Next: noon.Add(d)} }
	disabled := generatedKey(soon(0), a)
	disabled.State = Disabled // the grid rejects the operation earlier
	for _, test := range []struct {
		name    string
		from    Key
		kind    Kind
		message string
	}{
		{"nothing waits", externalKey(Enabled, a), KindInvalidState, "No available key material pending rotation for the key: " + keyARN + "."},
		{"once too often, imported", keyWithPending(Enabled, b, often...), KindLimitExceeded, ""},
		{"once too often, generated", generatedKey(Rotation{}, often...), KindLimitExceeded, ""},
		{"not quite too often", generatedKey(Rotation{}, often[:MaxOnDemandRotations]...), "", ""},
		{"often of itself", generatedKey(Rotation{}, append(often[2:], rotatedMaterial(b, RotationAutomatic, noon), rotatedMaterial(b, RotationAutomatic, noon))...), "", ""},
		{"a key of one material", hmac, KindUnsupportedOperation, ""},
		{"20 minutes before an automatic rotation", generatedKey(soon(20*time.Minute), a), "", ""},
		{"less than that", generatedKey(soon(20*time.Minute-1), a), KindConflict, ""},
		{"after it was due", generatedKey(soon(-time.Second), a), KindConflict, ""},
		{"an automatic rotation that is not carried out", disabled, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := rotateOnDemand(test.from, b, noon)
			if test.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, test.kind, test.message)
			wantKey(t, got, Key{})
		})
	}
}

func TestAutomaticRotation(t *testing.T) {
	a, b := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, time.Time{})
	plain := generatedKey(Rotation{}, a)
	k := runUnchanged(t, plain, func() Key { return plain.EnableRotation(90, noon) })
	wantKey(t, k, generatedKey(Rotation{90, noon.Add(90 * day)}, a))
	wantKey(t, k.EnableRotation(90, noon.Add(day)), k)
	wantKey(t, k.EnableRotation(365, noon.Add(day)), generatedKey(Rotation{365, noon.Add(366 * day)}, a))
	wantKey(t, runUnchanged(t, k, k.DisableRotation), plain)

	for _, test := range []struct {
		after time.Duration
		due   bool
		next  time.Duration
	}{
		{0, false, 0},
		{90*day - 1, false, 0},
		{90 * day, true, 180 * day},
		{90*day + time.Second, true, 180 * day},
		{179 * day, true, 180 * day},
		{180 * day, true, 270 * day}, // one rotation makes up for two dates
		{1000 * day, true, 1080 * day},
	} {
		now := noon.Add(test.after)
		if k.At(now).RotationDue(now) != test.due || k.Due() != noon.Add(90*day) {
			t.Errorf("after %v: %v, due %s", test.after, k.RotationDue(now), k.Due())
		}
		wantKey(t, k.At(now), k) // At leaves the rotation to the sweep
		if test.due {
			got := runUnchanged(t, k, func() Key { return k.Rotate(b, now) })
			wantKey(t, got, generatedKey(Rotation{90, noon.Add(test.next)}, a, rotatedMaterial(b, RotationAutomatic, now)))
		}
	}
}

// A key that is not enabled is not rotated. Enabling it makes a missed rotation due, and the next one a period
// later.
func TestRotationOfADisabledKey(t *testing.T) {
	a, b := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, time.Time{})
	k := generatedKey(Rotation{90, noon}, a)
	for name, idle := range map[string]Key{"disabled": k.Disable(), "pending deletion": k.ScheduleDeletion(30, noon)} {
		if idle.RotationDue(noon.Add(day)) || !idle.rotationDue().IsZero() || idle.Rotation != k.Rotation {
			t.Errorf("%s: %+v", name, idle)
		}
	}
	now := noon.Add(30 * day)
	back := k.ScheduleDeletion(30, noon).CancelDeletion().Enable(now)
	wantKey(t, back, generatedKey(Rotation{90, now}, a))
	wantKey(t, back.Rotate(b, now.Add(time.Second)), generatedKey(Rotation{90, now.Add(90 * day)}, a, rotatedMaterial(b, RotationAutomatic, now.Add(time.Second))))
	early := noon.Add(-30 * day)
	wantKey(t, k.Disable().Enable(early), k)
	if plain := generatedKey(Rotation{}, a); plain.Disable().Enable(now).Rotation.Enabled() || plain.RotationDue(now) {
		t.Error("a key without automatic rotation has one")
	}
}

func TestCheckAutomaticRotation(t *testing.T) {
	k := generatedKey(Rotation{}, presentMaterial(materialA, time.Time{}))
	if err := k.CheckAutomaticRotation(); err != nil {
		t.Error(err)
	}
	k.Spec = "RSA_2048"
	wantError(t, k.CheckAutomaticRotation(), KindUnsupportedOperation, "")
	wantError(t, externalKey(PendingImport).CheckAutomaticRotation(), KindUnsupportedOperation, keyARN+" origin is EXTERNAL which is not valid for this operation.")
}

func TestExpiration(t *testing.T) {
	never, soon, late := presentMaterial(materialA, time.Time{}), presentMaterial(materialB, noon), presentMaterial(materialC, noon.Add(day))
	for name, test := range map[string]struct {
		k     Key
		model ExpirationModel
		until time.Time
		ok    bool
	}{
		"never imported":    {k: externalKey(PendingImport)},
		"all lost":          {k: externalKey(PendingImport, missingMaterial(materialA), missingMaterial(materialB))},
		"no expiry":         {externalKey(Enabled, never), MaterialDoesNotExpire, time.Time{}, true},
		"the first expires": {externalKey(Enabled, soon, never), MaterialExpires, noon, true},
		"the last expires":  {externalKey(Enabled, never, late), MaterialExpires, noon.Add(day), true},
		"the earliest":      {externalKey(Enabled, late, soon), MaterialExpires, noon, true},
		"one is lost":       {externalKey(PendingImport, missingMaterial(materialB), late), MaterialExpires, noon.Add(day), true},
		"one waits":         {keyWithPending(Enabled, soon, late), MaterialExpires, noon.Add(day), true},
	} {
		model, until, ok := test.k.Expiration()
		if ok != test.ok || ok && (model != test.model || !until.Equal(test.until)) {
			t.Errorf("%s: %s, %s, %v", name, model, until, ok)
		}
	}
}
