package awsimport_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/kmstest"
)

// New material waits until the key is rotated, and the list has both materials.
func TestImportNew(t *testing.T) {
	s := kmstest.Start(t)
	id := create(t, s, "EXTERNAL")
	wrap := func(material []byte) *byok.Wrapped {
		t.Helper()
		return wrapFor(t, s, *id, material)
	}
	states := func(want ...types.KeyMaterialState) {
		t.Helper()
		all, err := awsimport.Materials(t.Context(), s.Client, *id)
		if err != nil || len(all) != len(want) {
			t.Fatalf("%d materials, %v", len(all), err)
		}
		for i, m := range all {
			if m.KeyMaterialState != want[i] {
				t.Errorf("material %d: %s, not %s", i, m.KeyMaterialState, want[i])
			}
		}
	}
	other := bytes.Repeat([]byte{0x5a}, 32)
	if err := awsimport.Rotate(t.Context(), s.Client, *id); !isInvalidState(err) {
		t.Errorf("a key without material was rotated: %v", err)
	}
	if _, err := awsimport.ImportNew(t.Context(), s.Client, wrap(material), time.Time{}); err != nil {
		t.Fatal(err)
	}
	states(types.KeyMaterialStateCurrent)
	w := wrap(other)
	if _, err := awsimport.Import(t.Context(), s.Client, w, time.Time{}); !isIncorrect(err) {
		t.Errorf("other material, not said to be new: %v", err)
	}
	given, err := awsimport.ImportNew(t.Context(), s.Client, w, s.Now().Add(time.Hour))
	if err := errors.Join(err, awsimport.CheckID(w, given)); err != nil {
		t.Fatal(err)
	}
	states(types.KeyMaterialStateCurrent, types.KeyMaterialStatePendingRotation)
	wantCode(t, awsimport.Challenge(t.Context(), s.Client, *id, other), awsimport.NotProved)
	if err := awsimport.Rotate(t.Context(), s.Client, *id); err != nil {
		t.Fatal(err)
	}
	states(types.KeyMaterialStateNonCurrent, types.KeyMaterialStateCurrent)
	if err := awsimport.Challenge(t.Context(), s.Client, *id, other); err != nil {
		t.Error(err)
	}
	wantCode(t, awsimport.Challenge(t.Context(), s.Client, *id, material), awsimport.NotProved)
	if _, err := awsimport.Materials(t.Context(), s.Client, "alias/none"); !awsimport.IsNotFound(err) {
		t.Error(err)
	}
	if k, err := awsimport.Find(t.Context(), s.Client, *id); err != nil || aws.ToString(k.CurrentKeyMaterialId) != given {
		t.Errorf("%+v, %v", k, err)
	}
}

func isInvalidState(err error) bool {
	_, ok := errors.AsType[*types.KMSInvalidStateException](err)
	return ok
}

func isIncorrect(err error) bool {
	_, ok := errors.AsType[*types.IncorrectKeyMaterialException](err)
	return ok
}
