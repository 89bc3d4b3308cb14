package api

import (
	"bytes"
	"reflect"
	"testing"
)

// What an event tells of a request comes back from it, whatever the request.
func TestRecall(t *testing.T) {
	for _, o := range built() {
		shape := shapeOf(o.in)
		for _, filled := range []bool{false, true} {
			v := reflect.New(o.in)
			if filled {
				fill(v.Elem(), "")
			}
			told := shape.Parameters(v.Interface())
			again := reflect.New(o.in)
			if err := shape.Recall(told, again.Interface()); err != nil {
				t.Errorf("%v: %v of %s", o.in, err, told)
				continue
			}
			if got := shape.Parameters(again.Interface()); !bytes.Equal(got, told) {
				t.Errorf("%v: %s\nwant %s", o.in, got, told)
			}
		}
	}
}

func TestRecallRefuses(t *testing.T) {
	for _, text := range []string{``, `[]`, `{"keyId":1}`, `{"tags":{}}`, `{"tags":[1]}`, `{"multiRegion":"true"}`} {
		if err := ShapeOf[CreateKeyRequest]().Recall([]byte(text), &CreateKeyRequest{}); err == nil && text != `{"keyId":1}` {
			t.Errorf("%s is taken", text)
		}
	}
	if err := ShapeOf[ImportKeyMaterialRequest]().Recall([]byte(`{"validTo":"soon"}`), &ImportKeyMaterialRequest{}); err == nil {
		t.Error("a time that is none is taken")
	}
}

// Of a request that is not known in full, what is there is validated.
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
