package service_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/kmstest"
)

func TestRotationIsNotPromised(t *testing.T) {
	s := kmstest.Start(t)
	generated, empty, imported, disabled, doomed := createGenerated(t, s), createExternal(t, s), createExternal(t, s), createExternal(t, s), createGenerated(t, s)
	importMaterial(t, s, imported, newMaterial())
	importMaterial(t, s, disabled, newMaterial())
	disable(t, s, disabled)
	schedule(t, s, doomed)
	const origin = " origin is EXTERNAL which is not valid for this operation."
	for _, c := range []struct {
		name      string
		id        *string
		errorName string
		part      string
	}{
		{"generated", generated, "UnsupportedOperationException", "not supported yet."},
		{"imported", imported, "UnsupportedOperationException", arnPrefix + "key/" + *imported + origin},
		{"pending import", empty, "UnsupportedOperationException", arnPrefix + "key/" + *empty + origin},
		{"disabled", disabled, "DisabledException", "is disabled."},
		{"pending deletion", doomed, "KMSInvalidStateException", "is pending deletion."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Client.EnableKeyRotation(t.Context(), &kms.EnableKeyRotationInput{KeyId: c.id, RotationPeriodInDays: aws.Int32(90)})
			wantError(t, err, c.errorName, c.part)
			_, err = s.Client.DisableKeyRotation(t.Context(), &kms.DisableKeyRotationInput{KeyId: c.id})
			wantError(t, err, c.errorName, c.part)
			out := must[*kms.GetKeyRotationStatusOutput](t)(s.Client.GetKeyRotationStatus(t.Context(), &kms.GetKeyRotationStatusInput{KeyId: c.id}))
			if out.KeyRotationEnabled || *out.KeyId != arnPrefix+"key/"+*c.id || out.RotationPeriodInDays != nil || out.NextRotationDate != nil || out.OnDemandRotationStartDate != nil {
				t.Errorf("%+v", out)
			}
		})
	}
	for _, days := range []int32{89, 2561} {
		_, err := s.Client.EnableKeyRotation(t.Context(), &kms.EnableKeyRotationInput{KeyId: generated, RotationPeriodInDays: &days})
		wantError(t, err, "ValidationException", "'rotationPeriodInDays'")
	}
}
