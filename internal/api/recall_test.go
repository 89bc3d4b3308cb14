package api

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

// Recall restores everything that Parameters returns, for every request.
func TestRecall(t *testing.T) {
	for _, o := range allOperations() {
		shape := shapeOf(o.in)
		for _, filled := range []bool{false, true} {
			v := reflect.New(o.in)
			if filled {
				fill(v.Elem(), "")
			}
			want := shape.Parameters(v.Interface())
			again := reflect.New(o.in)
			if lost, err := shape.Recall(want, again.Interface()); err != nil || lost != nil {
				t.Errorf("%v: %v of %s, without %q", o.in, err, want, lost)
				continue
			}
			if got := shape.Parameters(again.Interface()); !bytes.Equal(got, want) {
				t.Errorf("%v: %s\nwant %s", o.in, got, want)
			}
		}
	}
}

func TestRecallRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{"keyId":1}`, `{"tags":{}}`, `{"tags":[1]}`, `{"multiRegion":"true"}`, `{"description":{}}`,
		`{"description":{"base64":"-"}}`, `{"description":{"base64":"","more":""}}`, `{"description":{"other":""}}`} {
		if _, err := ShapeOf[CreateKeyRequest]().Recall([]byte(text), &CreateKeyRequest{}); err == nil && text != `{"keyId":1}` {
			t.Errorf("%s is accepted", text)
		}
	}
	if _, err := ShapeOf[ImportKeyMaterialRequest]().Recall([]byte(`{"validTo":"soon"}`), &ImportKeyMaterialRequest{}); err == nil {
		t.Error("an invalid time is accepted")
	}
}

// ValidateGiven validates the members that are present.
func TestValidateGiven(t *testing.T) {
	shape := ShapeOf[CreateAliasRequest]()
	if text := shape.ValidateGiven(&CreateAliasRequest{}); text != "" {
		t.Error(text)
	}
	in := &CreateAliasRequest{AliasName: new("")}
	if given, all := shape.ValidateGiven(in), shape.Validate(in); given == "" || given == all {
		t.Errorf("%q, and in full %q", given, all)
	}
}

// Members that an event does not keep are returned by name and not misread.
func TestRecallNamesLostMembers(t *testing.T) {
	const digest = `{"notKept":{"bytes":9,"sha256":"00"}}`
	for text, want := range map[string][]string{
		`{"keyId":"k","encryptionContext":` + digest + `}`:      {"encryptionContext"},
		`{"keyId":` + digest + `,"grantTokens":` + digest + `}`: {"grantTokens", "keyId"},
		digest: {"notKept"},
		`{"keyId":"k","encryptionContext":{"notKept":"x"}}`:             nil,
		`{"keyId":"k","encryptionContext":{"notKept":"{\"bytes\":9}"}}`: nil,
	} {
		var in EncryptRequest
		lost, err := ShapeOf[EncryptRequest]().Recall([]byte(text), &in)
		if err != nil || !slices.Equal(lost, want) || want != nil && in.EncryptionContext != nil {
			t.Errorf("%s: %q, %+v, %v", text, lost, in, err)
		}
	}
	var in PutKeyPolicyRequest
	if lost, err := ShapeOf[PutKeyPolicyRequest]().Recall([]byte(`{"policy":{"base64":"e30="}}`), &in); err != nil || lost != nil || *in.Policy != "{}" {
		t.Errorf("%+v, %q, %v", in, lost, err)
	}
}
