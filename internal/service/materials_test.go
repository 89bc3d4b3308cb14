package service_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/kmstest"
)

// importAs sends an import that change has modified.
func importAs(t *testing.T, s *kmstest.Server, id *string, material []byte, change func(in *kms.ImportKeyMaterialInput)) (materialID string, err error) {
	t.Helper()
	in := oaep256(t, s, id).request(t, material)
	change(in)
	out, err := s.Client.ImportKeyMaterial(t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.KeyMaterialId, nil
}

func asNew(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeNewKeyMaterial }

func importNew(t *testing.T, s *kmstest.Server, id *string, material []byte) string {
	t.Helper()
	return must[string](t)(importAs(t, s, id, material, asNew))
}

func deleteMaterial(t *testing.T, s *kmstest.Server, id *string, materialID *string) string {
	t.Helper()
	out := must[*kms.DeleteImportedKeyMaterialOutput](t)(s.Client.DeleteImportedKeyMaterial(t.Context(), &kms.DeleteImportedKeyMaterialInput{KeyId: id, KeyMaterialId: materialID}))
	return aws.ToString(out.KeyMaterialId)
}

// wantMaterials checks the states of all materials of a key, in their order.
func wantMaterials(t *testing.T, s *kmstest.Server, id *string, want ...string) {
	t.Helper()
	var got []string
	for _, m := range rotationsOf(t, s, id, types.IncludeKeyMaterialAllKeyMaterial, nil) {
		got = append(got, string(m.KeyMaterialState)+" "+string(m.ImportState))
	}
	if len(got) != len(want) {
		t.Fatalf("materials %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("materials %v, want %v", got, want)
		}
	}
}

func TestManyMaterials(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	one, two, three := newMaterial(), newMaterial(), newMaterial()
	first := importNew(t, s, id, one)
	blobOfOne := encrypt(t, s, id, "one")
	second := importNew(t, s, id, two)
	if want := must[string](t)(crypt.MaterialID(*id, two)); second != want {
		t.Errorf("the second is %s, want %s", second, want)
	}
	wantMaterials(t, s, id, "CURRENT IMPORTED", "PENDING_ROTATION IMPORTED")
	wantState(t, s, id, types.KeyStateEnabled)
	if _, material := decrypted(t, s, encrypt(t, s, id, "one")); material != first || *describe(t, s, id).CurrentKeyMaterialId != first {
		t.Error("what waits is in use before its rotation")
	}

	mustSucceed(t, rotateOnDemand(t, s, id))
	wantMaterials(t, s, id, "NON_CURRENT IMPORTED", "CURRENT IMPORTED")
	blobOfTwo := encrypt(t, s, id, "two")
	if text, material := decrypted(t, s, blobOfTwo); text != "two" || material != second {
		t.Errorf("%q under %s", text, material)
	}
	if text, material := decrypted(t, s, blobOfOne); text != "one" || material != first {
		t.Errorf("%q under %s", text, material)
	}
	moved := must[*kms.ReEncryptOutput](t)(s.Client.ReEncrypt(t.Context(), &kms.ReEncryptInput{CiphertextBlob: blobOfOne, DestinationKeyId: id}))
	if *moved.SourceKeyMaterialId != first || *moved.DestinationKeyMaterialId != second {
		t.Errorf("from %s to %s", *moved.SourceKeyMaterialId, *moved.DestinationKeyMaterialId)
	}

	// Without its former material the key is unusable, also for encryption.
	for _, lost := range []struct {
		id       string
		material []byte
	}{{first, one}, {second, two}} {
		if got := deleteMaterial(t, s, id, &lost.id); got != lost.id {
			t.Errorf("deleted %s, want %s", got, lost.id)
		}
		wantState(t, s, id, types.KeyStatePendingImport)
		_, err := s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte("x")})
		wantError(t, err, "KMSInvalidStateException", "is pending import.")
		for _, blob := range [][]byte{blobOfOne, blobOfTwo} {
			_, err = s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob})
			wantError(t, err, "KMSInvalidStateException", "is pending import.")
		}
		wantError(t, rotateOnDemand(t, s, id), "KMSInvalidStateException", "is pending import.")
		if got := must[string](t)(importAs(t, s, id, lost.material, func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialId = &lost.id })); got != lost.id {
			t.Errorf("it came back as %s", got)
		}
		wantState(t, s, id, types.KeyStateEnabled)
	}

	// All materials must be imported again, in any order.
	deleteMaterial(t, s, id, nil)
	deleteMaterial(t, s, id, &first)
	wantMaterials(t, s, id, "NON_CURRENT PENDING_IMPORT", "CURRENT PENDING_IMPORT")
	importNew(t, s, id, three)
	wantState(t, s, id, types.KeyStatePendingImport)
	importMaterial(t, s, id, two)
	wantState(t, s, id, types.KeyStatePendingImport)
	importMaterial(t, s, id, one)
	wantState(t, s, id, types.KeyStateEnabled)
	wantMaterials(t, s, id, "NON_CURRENT IMPORTED", "CURRENT IMPORTED", "PENDING_ROTATION IMPORTED")
	for blob, want := range map[string]string{string(blobOfOne): "one", string(blobOfTwo): "two", string(moved.CiphertextBlob): "one"} {
		if text, _ := decrypted(t, s, []byte(blob)); text != want {
			t.Errorf("%q, want %q", text, want)
		}
	}
}

func TestImportTypes(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	one, two, three := newMaterial(), newMaterial(), newMaterial()
	known := func(material []byte) *string { return aws.String(must[string](t)(crypt.MaterialID(*id, material))) }
	existing := func(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeExistingKeyMaterial }
	of := func(material []byte) func(in *kms.ImportKeyMaterialInput) {
		return func(in *kms.ImportKeyMaterialInput) { in.KeyMaterialId = known(material) }
	}
	refused := func(material []byte, change func(in *kms.ImportKeyMaterialInput), name, part string) {
		t.Helper()
		_, err := importAs(t, s, id, material, change)
		wantError(t, err, name, part)
	}
	plain := func(*kms.ImportKeyMaterialInput) {}

	refused(one, existing, "IncorrectKeyMaterialException", "not associated with any key material yet.")
	refused(one, of(one), "IncorrectKeyMaterialException", "not associated with any key material yet.")
	wantState(t, s, id, types.KeyStatePendingImport)
	first := must[string](t)(importAs(t, s, id, one, plain))
	refused(one, asNew, "IncorrectKeyMaterialException", "already associated")
	for _, change := range []func(*kms.ImportKeyMaterialInput){plain, existing, of(one), of(two)} {
		refused(two, change, "IncorrectKeyMaterialException", "")
	}
	second := importNew(t, s, id, two)
	refused(two, asNew, "IncorrectKeyMaterialException", "already associated")
	refused(three, asNew, "KMSInvalidStateException", "because another key material (id: "+second+") is pending rotation.")
	refused(three, asNew, "KMSInvalidStateException", "New key material (id: "+*known(three)+") cannot be imported into KMS key arn:")
	refused(three, plain, "IncorrectKeyMaterialException", "")
	wantMaterials(t, s, id, "CURRENT IMPORTED", "PENDING_ROTATION IMPORTED")

	// Pending material can be imported again with another expiry, deleted, and replaced.
	must[string](t)(importAs(t, s, id, two, func(in *kms.ImportKeyMaterialInput) {
		existing(in)
		in.ExpirationModel, in.ValidTo = "", after(s, day)
	}))
	if m := describe(t, s, id); m.ExpirationModel != types.ExpirationModelTypeKeyMaterialDoesNotExpire || m.ValidTo != nil {
		t.Errorf("pending material is shown as current: %+v", m)
	}
	if got := deleteMaterial(t, s, id, &second); got != second {
		t.Errorf("deleted %s", got)
	}
	wantState(t, s, id, types.KeyStateEnabled)
	wantMaterials(t, s, id, "CURRENT IMPORTED")
	_, err := s.Client.DeleteImportedKeyMaterial(t.Context(), &kms.DeleteImportedKeyMaterialInput{KeyId: id, KeyMaterialId: &second})
	wantError(t, err, "NotFoundException", "")
	third := importNew(t, s, id, three)
	deleteMaterial(t, s, id, nil)
	wantMaterials(t, s, id, "CURRENT PENDING_IMPORT", "PENDING_ROTATION IMPORTED")
	if got := *describe(t, s, id).CurrentKeyMaterialId; got != first {
		t.Errorf("current is %s", got)
	}
	importMaterial(t, s, id, one)
	mustSucceed(t, rotateOnDemand(t, s, id))
	if got := *describe(t, s, id).CurrentKeyMaterialId; got != third {
		t.Errorf("current is %s", got)
	}
}

// Each material has its own expiry, description and place.
func TestExpiryOfEachMaterial(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	one, two := newMaterial(), newMaterial()
	importMaterial(t, s, id, one)
	soon, late := s.Now().Add(10*day), s.Now().Add(20*day)
	until := func(validTo time.Time, importType types.ImportType, description *string) func(in *kms.ImportKeyMaterialInput) {
		return func(in *kms.ImportKeyMaterialInput) {
			in.ExpirationModel, in.ValidTo, in.ImportType, in.KeyMaterialDescription = "", &validTo, importType, description
		}
	}
	must[string](t)(importAs(t, s, id, two, until(soon, types.ImportTypeNewKeyMaterial, aws.String("of 2027"))))
	s.Advance(10 * day)
	wantMaterials(t, s, id, "CURRENT IMPORTED") // the pending material has expired
	wantState(t, s, id, types.KeyStateEnabled)

	must[string](t)(importAs(t, s, id, two, until(late, types.ImportTypeNewKeyMaterial, aws.String("of 2028"))))
	mustSucceed(t, rotateOnDemand(t, s, id))
	all := rotationsOf(t, s, id, "", nil)
	if len(all) != 1 || all[0].ExpirationModel != types.ExpirationModelTypeKeyMaterialExpires || all[0].ValidTo.Unix() != late.Unix() ||
		*all[0].KeyMaterialDescription != "of 2028" || all[0].RotationType != types.RotationTypeOnDemand {
		t.Fatalf("%+v", all)
	}
	date := *all[0].RotationDate
	if m := describe(t, s, id); m.ExpirationModel != types.ExpirationModelTypeKeyMaterialExpires || m.ValidTo.Unix() != late.Unix() {
		t.Errorf("%+v", m)
	}
	earlier := s.Now().Add(day)
	must[string](t)(importAs(t, s, id, one, until(earlier, "", nil)))
	if m := describe(t, s, id); m.ValidTo.Unix() != earlier.Unix() {
		t.Errorf("the earliest end is %v, not %v", m.ValidTo, earlier)
	}
	s.Advance(day)
	wantState(t, s, id, types.KeyStatePendingImport)
	wantMaterials(t, s, id, "NON_CURRENT PENDING_IMPORT", "CURRENT IMPORTED")
	if m := describe(t, s, id); m.ValidTo.Unix() != late.Unix() {
		t.Errorf("the remaining material expires at %v, not %v", m.ValidTo, late)
	}
	s.Advance(10 * day)
	wantMaterials(t, s, id, "NON_CURRENT PENDING_IMPORT", "CURRENT PENDING_IMPORT")
	if m := describe(t, s, id); m.ExpirationModel != "" || m.ValidTo != nil {
		t.Errorf("%+v", m)
	}
	importMaterial(t, s, id, two)
	importMaterial(t, s, id, one)
	wantState(t, s, id, types.KeyStateEnabled)
	all = rotationsOf(t, s, id, "", nil)
	if len(all) != 1 || *all[0].KeyMaterialDescription != "of 2028" || !all[0].RotationDate.Equal(date) || all[0].ValidTo != nil {
		t.Errorf("%+v", all)
	}
}
