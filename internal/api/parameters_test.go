package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func shapeOfValue(v any) *Shape { return shapeOf(reflect.TypeOf(v).Elem()) }

func TestParameters(t *testing.T) {
	tests := []struct {
		in   any
		want map[string]any
	}{
		{&EncryptRequest{}, map[string]any{}},
		{&EncryptRequest{DryRun: new(false), EncryptionContext: map[string]string{"a": "b"}, GrantTokens: []string{"t"},
			KeyId: new(""), Plaintext: []byte("secret")},
			map[string]any{"dryRun": false, "encryptionContext": map[string]string{"a": "b"}, "keyId": ""}},
		{&DecryptRequest{CiphertextBlob: []byte("c"), DryRunModifiers: []string{"X"},
			Recipient: &RecipientInfo{AttestationDocument: []byte("d"), KeyEncryptionAlgorithm: new("R")}},
			map[string]any{"dryRunModifiers": []string{"X"}, "recipient": map[string]any{"keyEncryptionAlgorithm": "R"}}},
		{&CreateKeyRequest{MultiRegion: new(true), Tags: []Tag{{TagKey: new("k"), TagValue: new("v")}, {}}},
			map[string]any{"multiRegion": true, "tags": []any{map[string]any{"tagKey": "k", "tagValue": "v"}, map[string]any{}}}},
		{&ImportKeyMaterialRequest{EncryptedKeyMaterial: []byte("e"), ImportToken: []byte("t"), ValidTo: NewTimestamp(someTime)},
			map[string]any{"validTo": "2026-11-24T03:04:05.678Z"}},
		{&ListKeysRequest{Limit: new(int32(7))}, map[string]any{"limit": int32(7)}},
		{&CreateKeyResponse{KeyMetadata: &KeyMetadata{AWSAccountId: new("1"), KeyId: new("k")}},
			map[string]any{"keyMetadata": map[string]any{"aWSAccountId": "1", "enabled": false, "keyId": "k"}}},
		{&DecryptResponse{KeyId: new("k"), Plaintext: []byte("secret")}, map[string]any{"keyId": "k"}},
	}
	for _, test := range tests {
		want, err := json.Marshal(test.want) // encoded by encoding/json, an independent implementation
		if err != nil {
			t.Fatal(err)
		}
		var got, again any
		text := shapeOfValue(test.in).Parameters(test.in)
		if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal(want, &again)); err != nil || !reflect.DeepEqual(got, again) || len(text) != len(want) {
			t.Errorf("%T: %s\nwant %s (%v)", test.in, text, want, err)
		}
	}
}

// Messages and events contain no blobs, plaintexts or tokens of any request or response, even if every member
// is set.
func TestParametersHaveNoSecrets(t *testing.T) {
	for _, o := range allOperations() {
		for _, typ := range []reflect.Type{o.in, o.out} {
			v := reflect.New(typ)
			fill(v.Elem(), "")
			shape := shapeOf(typ)
			said := string(shape.Parameters(v.Interface())) + shape.Validate(v.Interface())
			if strings.Contains(said, "a GrantToken") || strings.Contains(said, "251 255") || strings.Contains(said, "+/") || strings.Contains(said, "\xfb\xff") {
				t.Errorf("%v: %s", typ, said)
			}
			for f := range typ.Fields() {
				secret := strings.HasPrefix(f.Name, "GrantToken") || slices.Contains([]string{"Message", "SharedSecret"}, f.Name) || strings.HasSuffix(f.Name, "Plaintext")
				if marked := strings.Contains(f.Tag.Get("kms"), "sensitive"); marked != secret {
					t.Errorf("%v.%s: sensitive is %v", typ, f.Name, marked)
				}
			}
		}
	}
}
