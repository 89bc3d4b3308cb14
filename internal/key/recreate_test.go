package key

import (
	"strings"
	"testing"
)

func TestCheckChosenID(t *testing.T) {
	const notAnID = " is not a key ID: give the 36 characters that the key's ARN ends with, in lower case."
	for _, test := range []struct {
		id      string
		kind    Kind
		message string
	}{
		{uuid, "", ""},
		{"00000000-0000-0000-0000-000000000000", "", ""},
		{mrk, "", ""},
		{"", KindValidation, "''" + notAnID},
		{strings.ToUpper(uuid), KindValidation, "'" + strings.ToUpper(uuid) + "'" + notAnID},
		{strings.ReplaceAll(uuid, "-", ""), KindValidation, ""},
		{uuid + "a", KindValidation, ""},
		{uuid + "\n", KindValidation, ""},
		{"mrk-1234", KindValidation, ""},
		{keyARN, KindValidation, ""},
		{"alias/a", KindValidation, ""},
	} {
		err := CheckChosenID(test.id)
		if test.kind == "" && err != nil {
			t.Errorf("%q: %v", test.id, err)
		} else if test.kind != "" {
			wantError(t, err, test.kind, test.message)
		}
	}
}

// A recreated key takes the material that it is associated with, and rejects any other.
func TestRecreated(t *testing.T) {
	from := externalKey(PendingImport)
	k := runUnchanged(t, from, func() Key { return from.Recreate(materialA) })
	wantKey(t, k, externalKey(PendingImport, Material{ID: materialA}))
	if _, err := k.ImportMaterial(Material{ID: materialB, Sealed: []byte("b")}, nil); err == nil {
		t.Error("other material is accepted")
	} else {
		wantError(t, err, KindIncorrectKeyMaterial, "")
	}
	got, err := k.ImportMaterial(Material{ID: materialA, Sealed: []byte("a")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantKey(t, got, externalKey(Enabled, Material{ID: materialA, Sealed: []byte("a")}))
}

func TestTaken(t *testing.T) {
	for state, remedy := range map[State]string{
		Enabled: "left as it is", Disabled: "left as it is", PendingImport: "import its material",
		PendingDeletion: "CancelKeyDeletion keeps it", Gone: "try again",
	} {
		err := externalKey(state).ExistsError()
		wantError(t, err, KindAlreadyExists, "")
		if !strings.Contains(err.Message, keyARN+" already exists. ") || !strings.Contains(err.Message, remedy) {
			t.Errorf("%s: %s", state, err.Message)
		}
	}
}
