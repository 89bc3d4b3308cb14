package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/kmstest"
)

// A keyCall is an operation on the key of a reference, with otherwise valid members.
type keyCall func(ref *string) error

func keyCalls(t *testing.T, s *kmstest.Server) map[string]keyCall {
	policy := aws.String(key.DefaultPolicy(kmstest.Account))
	return map[string]keyCall{
		"UpdateKeyDescription": func(ref *string) error {
			_, err := s.Client.UpdateKeyDescription(t.Context(), &kms.UpdateKeyDescriptionInput{KeyId: ref, Description: aws.String("mine")})
			return err
		},
		"TagResource":   func(ref *string) error { return tag(t, s, ref, "a", "1") },
		"UntagResource": func(ref *string) error { return untag(t, s, ref, "a") },
		"ListResourceTags": func(ref *string) error {
			_, err := s.Client.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: ref})
			return err
		},
		"GetKeyPolicy": func(ref *string) error {
			_, err := s.Client.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: ref})
			return err
		},
		"PutKeyPolicy": func(ref *string) error {
			_, err := s.Client.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: ref, Policy: policy})
			return err
		},
		"ListKeyPolicies": func(ref *string) error {
			_, err := s.Client.ListKeyPolicies(t.Context(), &kms.ListKeyPoliciesInput{KeyId: ref})
			return err
		},
		"GetKeyRotationStatus": func(ref *string) error {
			_, err := s.Client.GetKeyRotationStatus(t.Context(), &kms.GetKeyRotationStatusInput{KeyId: ref})
			return err
		},
		"EnableKeyRotation": func(ref *string) error {
			_, err := s.Client.EnableKeyRotation(t.Context(), &kms.EnableKeyRotationInput{KeyId: ref})
			return err
		},
		"DisableKeyRotation": func(ref *string) error {
			_, err := s.Client.DisableKeyRotation(t.Context(), &kms.DisableKeyRotationInput{KeyId: ref})
			return err
		},
		"GetKeyLastUsage": func(ref *string) error {
			_, err := s.Client.GetKeyLastUsage(t.Context(), &kms.GetKeyLastUsageInput{KeyId: ref})
			return err
		},
		"ListKeyRotations": func(ref *string) error {
			_, err := s.Client.ListKeyRotations(t.Context(), &kms.ListKeyRotationsInput{KeyId: ref})
			return err
		},
		"RotateKeyOnDemand": func(ref *string) error {
			_, err := s.Client.RotateKeyOnDemand(t.Context(), &kms.RotateKeyOnDemandInput{KeyId: ref})
			return err
		},
		"GenerateDataKey": func(ref *string) error {
			_, err := s.Client.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{KeyId: ref, KeySpec: types.DataKeySpecAes256})
			return err
		},
		"GenerateDataKeyWithoutPlaintext": func(ref *string) error {
			_, err := s.Client.GenerateDataKeyWithoutPlaintext(t.Context(), &kms.GenerateDataKeyWithoutPlaintextInput{KeyId: ref, KeySpec: types.DataKeySpecAes256})
			return err
		},
	}
}

func TestReferencesOfEachOperation(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	mustSucceed(t, createAlias(t, s, "alias/app", id))
	for operation, call := range keyCalls(t, s) {
		t.Run(operation, func(t *testing.T) {
			takesAliases := strings.HasPrefix(operation, "GenerateDataKey")
			for _, ref := range []string{*id, arnPrefix + "key/" + *id, "alias/app", arnPrefix + "alias/app"} {
				err := call(&ref)
				switch {
				case strings.HasPrefix(ref, "alias/") && !takesAliases:
					wantError(t, err, "NotFoundException", "Invalid keyId")
				case strings.Contains(ref, "alias/") && !takesAliases:
					wantError(t, err, "InvalidArnException", "Key Aliases are not supported for this operation.")
				case err != nil:
					t.Errorf("%s: %v", ref, err)
				}
			}
			for _, ref := range []string{foreignPrefix + "key/" + *id, foreignPrefix + "key/" + absentKey} {
				wantError(t, call(&ref), "AccessDeniedException", "is not authorized to perform: kms:"+operation+" on this resource because the resource does not exist in this Region")
			}
			wantError(t, call(aws.String(absentKey)), "NotFoundException", "Key '"+arnPrefix+"key/"+absentKey+"' does not exist")
			wantError(t, call(aws.String("arn:aws:kms:eu-west-1:111122223333:key/"+*id)), "NotFoundException", "Invalid arn eu-west-1")
			wantError(t, call(aws.String("")), "ValidationException", "'keyId'")
		})
	}
}

// Package key tests the grid cell by cell. This test checks that each operation obeys the grid.
func TestStatesOfEachOperation(t *testing.T) {
	s := kmstest.Start(t)
	disabled, doomed, empty := createGenerated(t, s), createGenerated(t, s), createExternal(t, s)
	disable(t, s, disabled)
	schedule(t, s, doomed)
	states := []struct {
		id              *string
		errorName, part string
	}{{disabled, "DisabledException", "is disabled."}, {doomed, "KMSInvalidStateException", "is pending deletion."}, {empty, "KMSInvalidStateException", "is pending import."}}
	refused := map[string][3]bool{
		"UpdateKeyDescription":            {false, true, false},
		"TagResource":                     {false, true, false},
		"UntagResource":                   {false, true, false},
		"ListResourceTags":                {},
		"GetKeyPolicy":                    {},
		"PutKeyPolicy":                    {},
		"ListKeyPolicies":                 {},
		"GetKeyRotationStatus":            {},
		"GetKeyLastUsage":                 {},
		"ListKeyRotations":                {},
		"RotateKeyOnDemand":               {true, true, true},
		"GenerateDataKey":                 {true, true, true},
		"GenerateDataKeyWithoutPlaintext": {true, true, true},
	}
	for operation, call := range keyCalls(t, s) {
		row, ok := refused[operation]
		if !ok {
			continue // EnableKeyRotation and DisableKeyRotation have a test of their own
		}
		for i, state := range states {
			err := call(state.id)
			if row[i] {
				wantError(t, err, state.errorName, state.part)
			} else if err != nil {
				t.Errorf("%s on a key that %s: %v", operation, state.part, err)
			}
		}
	}
	if len(refused)+2 != len(keyCalls(t, s)) {
		t.Error("an operation is in one table only")
	}
}

// DescribeKey returns descriptions byte for byte, and dates to the second.
func TestReadsSettle(t *testing.T) {
	s := kmstest.Start(t)
	for _, c := range []struct {
		created *string
		want    string
	}{{nil, ""}, {aws.String(""), ""}, {aws.String("mine"), "mine"}} {
		id := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Description: c.created})).KeyMetadata.KeyId
		if got := describe(t, s, id).Description; got == nil || *got != c.want {
			t.Errorf("created with %v: %v", c.created, got)
		}
		for _, description := range []string{"Ü ☃\n\t\"<>&\u2028 ", strings.Repeat("😀", 8192), ""} {
			must[*kms.UpdateKeyDescriptionOutput](t)(s.Client.UpdateKeyDescription(t.Context(), &kms.UpdateKeyDescriptionInput{KeyId: id, Description: &description}))
			if got := describe(t, s, id).Description; got == nil || *got != description {
				t.Errorf("updated to %q: %v", description, got)
			}
		}
		_, err := s.Client.UpdateKeyDescription(t.Context(), &kms.UpdateKeyDescriptionInput{KeyId: id, Description: aws.String(strings.Repeat("x", 8193))})
		wantError(t, err, "ValidationException", "less than or equal to 8192")
	}
	id := createExternal(t, s)
	in := oaep256(t, s, id).request(t, newMaterial())
	in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, aws.Time(s.Now().Add(day).Truncate(time.Second))
	must[*kms.ImportKeyMaterialOutput](t)(s.Client.ImportKeyMaterial(t.Context(), in))
	if got := describe(t, s, id); !got.ValidTo.Equal(*in.ValidTo) || got.Description == nil {
		t.Errorf("ValidTo %v, want %v", got.ValidTo, in.ValidTo)
	}
}

// Changes of the description, tags and policy leave material and state unchanged.
func TestChangesKeepTheKey(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	importMaterial(t, s, id, newMaterial())
	blob, before := encrypt(t, s, id, "hello"), describe(t, s, id)
	for operation, call := range keyCalls(t, s) {
		if strings.Contains(operation, "Key") && strings.Contains(operation, "Rotat") && !strings.HasPrefix(operation, "GetKey") && !strings.HasPrefix(operation, "List") {
			continue // for keys with generated material, or change which material is current
		}
		mustSucceed(t, call(id))
	}
	after := describe(t, s, id)
	if after.KeyState != before.KeyState || *after.CurrentKeyMaterialId != *before.CurrentKeyMaterialId || !after.CreationDate.Equal(*before.CreationDate) || after.ExpirationModel != before.ExpirationModel {
		t.Errorf("from %+v to %+v", before, after)
	}
	if got := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob})); string(got.Plaintext) != "hello" {
		t.Errorf("plaintext %q", got.Plaintext)
	}
}
