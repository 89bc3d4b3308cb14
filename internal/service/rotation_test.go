package service_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

func enableRotation(t *testing.T, s *kmstest.Server, id *string, days *int32) error {
	t.Helper()
	_, err := s.Client.EnableKeyRotation(t.Context(), &kms.EnableKeyRotationInput{KeyId: id, RotationPeriodInDays: days})
	return err
}

func rotationStatus(t *testing.T, s *kmstest.Server, id *string) *kms.GetKeyRotationStatusOutput {
	t.Helper()
	return must[*kms.GetKeyRotationStatusOutput](t)(s.Client.GetKeyRotationStatus(t.Context(), &kms.GetKeyRotationStatusInput{KeyId: id}))
}

func rotateOnDemand(t *testing.T, s *kmstest.Server, id *string) error {
	t.Helper()
	_, err := s.Client.RotateKeyOnDemand(t.Context(), &kms.RotateKeyOnDemandInput{KeyId: id})
	return err
}

// rotationsOf lists all rotations, page by page.
func rotationsOf(t *testing.T, s *kmstest.Server, id *string, include types.IncludeKeyMaterial, limit *int32) (all []types.RotationsListEntry) {
	t.Helper()
	pages := kms.NewListKeyRotationsPaginator(s.Client, &kms.ListKeyRotationsInput{KeyId: id, IncludeKeyMaterial: include, Limit: limit})
	for pages.HasMorePages() {
		page := must[*kms.ListKeyRotationsOutput](t)(pages.NextPage(t.Context()))
		all = append(all, page.Rotations...)
	}
	return all
}

func decrypted(t *testing.T, s *kmstest.Server, blob []byte) (plaintext, materialID string) {
	t.Helper()
	out := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}))
	return string(out.Plaintext), *out.KeyMaterialId
}

// wantNoRotation checks that the status has no rotation.
func wantNoRotation(t *testing.T, s *kmstest.Server, id *string) {
	t.Helper()
	out := rotationStatus(t, s, id)
	if out.KeyRotationEnabled || *out.KeyId != arnPrefix+"key/"+*id || out.RotationPeriodInDays != nil || out.NextRotationDate != nil || out.OnDemandRotationStartDate != nil {
		t.Errorf("%+v", out)
	}
}

func wantRotation(t *testing.T, s *kmstest.Server, id *string, days int32, next time.Time) {
	t.Helper()
	out := rotationStatus(t, s, id)
	if !out.KeyRotationEnabled || *out.RotationPeriodInDays != days || out.NextRotationDate.Sub(next).Abs() > time.Minute {
		t.Errorf("enabled %v, every %d days, next %v; want %d, %v", out.KeyRotationEnabled, *out.RotationPeriodInDays, out.NextRotationDate, days, next)
	}
}

func TestAutomaticRotationRefused(t *testing.T) {
	s := kmstest.Start(t)
	empty, imported, disabled, doomed := createExternal(t, s), createExternal(t, s), createGenerated(t, s), createGenerated(t, s)
	importMaterial(t, s, imported, newMaterial())
	disable(t, s, disabled)
	schedule(t, s, doomed)
	const origin = " origin is EXTERNAL which is not valid for this operation."
	for _, c := range []struct {
		name      string
		id        *string
		errorName string
		part      string
	}{
		{"imported", imported, "UnsupportedOperationException", arnPrefix + "key/" + *imported + origin},
		{"pending import", empty, "UnsupportedOperationException", arnPrefix + "key/" + *empty + origin},
		{"disabled", disabled, "DisabledException", "is disabled."},
		{"pending deletion", doomed, "KMSInvalidStateException", "is pending deletion."},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, enableRotation(t, s, c.id, aws.Int32(90)), c.errorName, c.part)
			_, err := s.Client.DisableKeyRotation(t.Context(), &kms.DisableKeyRotationInput{KeyId: c.id})
			wantError(t, err, c.errorName, c.part)
			wantNoRotation(t, s, c.id)
		})
	}
	generated := createGenerated(t, s)
	for _, days := range []int32{-1, 0, 89, 2561} {
		wantError(t, enableRotation(t, s, generated, &days), "ValidationException", "'rotationPeriodInDays'")
	}
	wantNoRotation(t, s, generated)
}

func TestAutomaticRotation(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	first := *describe(t, s, id).CurrentKeyMaterialId
	blob := encrypt(t, s, id, "first")
	wantNoRotation(t, s, id)
	mustSucceed(t, enableRotation(t, s, id, nil))
	start := s.Now()
	wantRotation(t, s, id, 365, start.Add(365*day))
	mustSucceed(t, enableRotation(t, s, id, aws.Int32(90)))
	wantRotation(t, s, id, 90, start.Add(90*day))
	s.Advance(10 * day)
	mustSucceed(t, enableRotation(t, s, id, aws.Int32(90))) // changes nothing
	wantRotation(t, s, id, 90, start.Add(90*day))

	s.Advance(80*day - time.Minute)
	if all := rotationsOf(t, s, id, "", nil); len(all) != 0 {
		t.Errorf("rotated before its time: %v", all)
	}
	s.Advance(time.Minute + time.Second)
	wantRotation(t, s, id, 90, start.Add(180*day))
	m := describe(t, s, id)
	if *m.CurrentKeyMaterialId == first || m.ValidTo != nil || m.ExpirationModel != "" {
		t.Errorf("after the rotation: %+v", m)
	}
	all := rotationsOf(t, s, id, "", nil)
	if len(all) != 1 || all[0].RotationType != types.RotationTypeAutomatic || *all[0].KeyId != *id || *all[0].KeyMaterialId != *m.CurrentKeyMaterialId ||
		all[0].KeyMaterialState != types.KeyMaterialStateCurrent || all[0].RotationDate.Sub(s.Now()).Abs() > time.Minute {
		t.Errorf("rotations: %+v", all)
	}
	if all := rotationsOf(t, s, id, types.IncludeKeyMaterialAllKeyMaterial, nil); len(all) != 2 || *all[0].KeyMaterialId != first ||
		all[0].KeyMaterialState != types.KeyMaterialStateNonCurrent || all[0].RotationDate != nil || all[0].RotationType != "" || all[0].ImportState != "" {
		t.Errorf("all materials: %+v", all)
	}
	if text, material := decrypted(t, s, blob); text != "first" || material != first {
		t.Errorf("%q under %s", text, material)
	}
	if text, material := decrypted(t, s, encrypt(t, s, id, "second")); text != "second" || material != *m.CurrentKeyMaterialId {
		t.Errorf("%q under %s", text, material)
	}

	_, err := s.Client.DisableKeyRotation(t.Context(), &kms.DisableKeyRotationInput{KeyId: id})
	mustSucceed(t, err)
	wantNoRotation(t, s, id)
	s.Advance(1000 * day)
	if all := rotationsOf(t, s, id, "", nil); len(all) != 1 {
		t.Errorf("rotated after it was told not to be: %v", all)
	}
}

// Automatic rotation pauses while a key is not enabled.
func TestRotationPauses(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	mustSucceed(t, enableRotation(t, s, id, aws.Int32(90)))
	start := s.Now()
	disable(t, s, id)
	wantRotation(t, s, id, 90, start.Add(90*day))
	schedule(t, s, id)
	wantNoRotation(t, s, id)
	_, err := s.Client.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: id})
	mustSucceed(t, err)
	wantRotation(t, s, id, 90, start.Add(90*day))
	s.Advance(100 * day)
	if all := rotationsOf(t, s, id, "", nil); len(all) != 0 {
		t.Errorf("rotated while it was disabled: %v", all)
	}
	_, err = s.Client.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: id})
	mustSucceed(t, err)
	s.Advance(time.Second)
	if all := rotationsOf(t, s, id, "", nil); len(all) != 1 {
		t.Errorf("enabled again, it has the rotations %v", all)
	}
	wantRotation(t, s, id, 90, start.Add(190*day))
}

func TestRotateOnDemand(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	mustSucceed(t, enableRotation(t, s, id, aws.Int32(90)))
	next := s.Now().Add(90 * day)
	blob := encrypt(t, s, id, "hello")
	first := *describe(t, s, id).CurrentKeyMaterialId
	out := must[*kms.RotateKeyOnDemandOutput](t)(s.Client.RotateKeyOnDemand(t.Context(), &kms.RotateKeyOnDemandInput{KeyId: aws.String(arnPrefix + "key/" + *id)}))
	if *out.KeyId != arnPrefix+"key/"+*id {
		t.Errorf("key %s", *out.KeyId)
	}
	if *describe(t, s, id).CurrentKeyMaterialId == first {
		t.Error("the material is the same")
	}
	if text, material := decrypted(t, s, blob); text != "hello" || material != first {
		t.Errorf("%q under %s", text, material)
	}
	wantRotation(t, s, id, 90, next)

	s.Advance(90*day - 15*time.Minute)
	wantError(t, rotateOnDemand(t, s, id), "ConflictException", "is about to be rotated automatically")
	s.Advance(15*time.Minute + time.Second)
	for range 24 {
		mustSucceed(t, rotateOnDemand(t, s, id))
	}
	_, err := kms.New(s.Client.Options(), func(o *kms.Options) { o.RetryMaxAttempts = 1 }).RotateKeyOnDemand(t.Context(), &kms.RotateKeyOnDemandInput{KeyId: id})
	wantError(t, err, "LimitExceededException", "No more on-demand rotations can be performed for this key: "+arnPrefix+"key/"+*id)

	// 25 rotations on demand, and an automatic one among them.
	all := rotationsOf(t, s, id, "", aws.Int32(4))
	if len(all) != 26 || all[0].RotationType != types.RotationTypeOnDemand || all[1].RotationType != types.RotationTypeAutomatic {
		t.Fatalf("%d rotations: %+v", len(all), all)
	}
	for i, r := range all {
		if current := r.KeyMaterialState == types.KeyMaterialStateCurrent; current != (i == 25) || i > 0 && r.RotationDate.Before(*all[i-1].RotationDate) {
			t.Errorf("rotation %d: %+v", i, r)
		}
	}
}

func TestRotateOnDemandStates(t *testing.T) {
	s := kmstest.Start(t)
	empty, imported, disabled, doomed := createExternal(t, s), createExternal(t, s), createGenerated(t, s), createGenerated(t, s)
	importMaterial(t, s, imported, newMaterial())
	disable(t, s, disabled)
	schedule(t, s, doomed)
	wantError(t, rotateOnDemand(t, s, empty), "KMSInvalidStateException", "is pending import.")
	wantError(t, rotateOnDemand(t, s, imported), "KMSInvalidStateException", "No available key material pending rotation for the key: "+arnPrefix+"key/"+*imported+".")
	wantError(t, rotateOnDemand(t, s, disabled), "DisabledException", "is disabled.")
	wantError(t, rotateOnDemand(t, s, doomed), "KMSInvalidStateException", "is pending deletion.")
	for _, id := range []*string{empty, imported, disabled, doomed} {
		if all := rotationsOf(t, s, id, "", nil); len(all) != 0 {
			t.Errorf("%+v", all)
		}
	}
	_, err := s.Client.ListKeyRotations(t.Context(), &kms.ListKeyRotationsInput{KeyId: imported, Marker: aws.String("x")})
	wantError(t, err, "InvalidMarkerException", "")
	_, err = s.Client.ListKeyRotations(t.Context(), &kms.ListKeyRotationsInput{KeyId: imported, IncludeKeyMaterial: "SOME"})
	wantError(t, err, "ValidationException", "'includeKeyMaterial'")
	_, err = s.Client.ListKeyRotations(t.Context(), &kms.ListKeyRotationsInput{KeyId: imported, Limit: aws.Int32(1001)})
	wantError(t, err, "ValidationException", "'limit'")
}
