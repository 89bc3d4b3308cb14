package main

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// life makes calls about rotation, the last usage and deletion.
func life(w *walk) {
	arn := w.arns["symmetric"]
	w.rotation(arn)
	w.schedule(arn)
	w.call("GetKeyLastUsage", func() error {
		out, err := w.kms.GetKeyLastUsage(w.ctx, &kms.GetKeyLastUsageInput{KeyId: arn})
		if err != nil {
			return err
		}
		if out.KeyLastUsage == nil {
			return errors.New("the answer has no last usage")
		}
		got, want := out.KeyLastUsage.Operation, types.KeyLastUsageTrackingOperationDecrypt
		if err := expect("the operation", got, want); err != nil {
			return err
		}
		return near("the time", out.KeyLastUsage.Timestamp, 0)
	})
	w.deletion(arn)
}

func (w *walk) rotation(arn *string) {
	var materials []types.RotationsListEntry
	w.call("RotateKeyOnDemand", func() error {
		_, err := w.kms.RotateKeyOnDemand(w.ctx, &kms.RotateKeyOnDemandInput{KeyId: arn})
		return err
	})
	w.call("ListKeyRotations", func() error {
		out, err := w.kms.ListKeyRotations(w.ctx, &kms.ListKeyRotationsInput{KeyId: arn})
		if err != nil {
			return err
		}
		var got []any
		for _, r := range out.Rotations {
			got = append(got, r.RotationType)
		}
		if err := expect("the rotations", got, []any{types.RotationTypeOnDemand}); err != nil {
			return err
		}
		out, err = w.kms.ListKeyRotations(w.ctx, &kms.ListKeyRotationsInput{
			KeyId: arn, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial,
		})
		if err != nil {
			return err
		}
		got, materials = nil, out.Rotations
		for _, m := range materials {
			got = append(got, m.KeyMaterialState)
		}
		return expect("the materials", got, []any{types.KeyMaterialStateNonCurrent, types.KeyMaterialStateCurrent})
	})
	w.call("Decrypt after the rotation", func() error {
		out, err := w.kms.Decrypt(w.ctx, &kms.DecryptInput{
			CiphertextBlob: w.ciphertext, EncryptionContext: encryptionContext(),
		})
		if err != nil {
			return err
		}
		if err := expect("the plaintext", out.Plaintext, plaintext); err != nil {
			return err
		}
		return expect("the material", aws.ToString(out.KeyMaterialId), aws.ToString(materials[0].KeyMaterialId))
	})
}

func (w *walk) schedule(arn *string) {
	w.call("EnableKeyRotation", func() error {
		_, err := w.kms.EnableKeyRotation(w.ctx, &kms.EnableKeyRotationInput{
			KeyId: arn, RotationPeriodInDays: aws.Int32(180),
		})
		return err
	})
	w.call("GetKeyRotationStatus", func() error {
		out, err := w.kms.GetKeyRotationStatus(w.ctx, &kms.GetKeyRotationStatusInput{KeyId: arn})
		if err != nil {
			return err
		}
		got := []any{out.KeyRotationEnabled, aws.ToInt32(out.RotationPeriodInDays)}
		if err := expect("the period", got, []any{true, int32(180)}); err != nil {
			return err
		}
		return near("the next rotation", out.NextRotationDate, 180*day)
	})
	w.call("DisableKeyRotation", func() error {
		if _, err := w.kms.DisableKeyRotation(w.ctx, &kms.DisableKeyRotationInput{KeyId: arn}); err != nil {
			return err
		}
		out, err := w.kms.GetKeyRotationStatus(w.ctx, &kms.GetKeyRotationStatusInput{KeyId: arn})
		if err != nil {
			return err
		}
		return expect("enabled", out.KeyRotationEnabled, false)
	})
}

func (w *walk) deletion(arn *string) {
	w.call("ScheduleKeyDeletion", func() error {
		out, err := w.kms.ScheduleKeyDeletion(w.ctx, &kms.ScheduleKeyDeletionInput{
			KeyId: arn, PendingWindowInDays: aws.Int32(7),
		})
		if err != nil {
			return err
		}
		got := []any{out.KeyState, aws.ToInt32(out.PendingWindowInDays)}
		if err := expect("the state", got, []any{types.KeyStatePendingDeletion, int32(7)}); err != nil {
			return err
		}
		return near("the deletion", out.DeletionDate, 7*day)
	})
	w.call("Encrypt with a key pending deletion", func() error {
		_, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{KeyId: arn, Plaintext: plaintext})
		return refused[*types.KMSInvalidStateException](err)
	})
	w.call("CancelKeyDeletion", func() error {
		if _, err := w.kms.CancelKeyDeletion(w.ctx, &kms.CancelKeyDeletionInput{KeyId: arn}); err != nil {
			return err
		}
		return w.state(arn, types.KeyStateDisabled)
	})
}
