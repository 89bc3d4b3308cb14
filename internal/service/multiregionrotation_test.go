package service_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

// clientIn returns the server with a client of another Region.
func clientIn(s *kmstest.Server, region string) *kmstest.Server {
	there := *s
	there.Client = kms.New(s.Client.Options(), in(region))
	return &there
}

// A regionsTest is a primary key in the Region of the tests, with replicas in London and
// Mumbai.
type regionsTest struct {
	*testing.T
	here, london, mumbai *kmstest.Server
	id                   *string
}

func newRegionsTest(t *testing.T, origin types.OriginType) regionsTest {
	t.Helper()
	s := kmstest.Start(t)
	return regionsTest{t, s, clientIn(s, london), clientIn(s, mumbai), createPrimary(t, s, origin)}
}

func (w regionsTest) replicate() {
	w.Helper()
	for _, region := range []string{london, mumbai} {
		must[*kms.ReplicateKeyOutput](w.T)(replicate(w.T, w.here, w.id, region))
	}
}

func (w regionsTest) all() []*kmstest.Server { return []*kmstest.Server{w.here, w.london, w.mumbai} }

// wantEverywhere checks the states of all materials, which are the same in each Region.
func (w regionsTest) wantEverywhere(want ...string) {
	w.Helper()
	for _, s := range w.all() {
		wantMaterials(w.T, s, w.id, want...)
	}
}

// wantOpen checks that each ciphertext opens in each Region, to the plaintext under which it is
// stored, and that all Regions encrypt under the same material.
func (w regionsTest) wantOpen(blobs map[string][]byte) {
	w.Helper()
	current := *describe(w.T, w.here, w.id).CurrentKeyMaterialId
	for _, from := range w.all() {
		blob := encrypt(w.T, from, w.id, "now")
		for _, to := range w.all() {
			if text, material := decrypted(w.T, to, blob); text != "now" || material != current {
				w.Errorf("%q under %s", text, material)
			}
			for want, blob := range blobs {
				if text, _ := decrypted(w.T, to, blob); text != want {
					w.Errorf("%q, want %q", text, want)
				}
			}
		}
	}
}

func (w regionsTest) disable(s *kmstest.Server) {
	w.Helper()
	must[*kms.DisableKeyOutput](w.T)(s.Client.DisableKey(w.Context(), &kms.DisableKeyInput{KeyId: w.id}))
}

func (w regionsTest) enable(s *kmstest.Server) {
	w.Helper()
	must[*kms.EnableKeyOutput](w.T)(s.Client.EnableKey(w.Context(), &kms.EnableKeyInput{KeyId: w.id}))
}

func (w regionsTest) cancelDeletion(s *kmstest.Server) {
	w.Helper()
	must[*kms.CancelKeyDeletionOutput](w.T)(s.Client.CancelKeyDeletion(w.Context(), &kms.CancelKeyDeletionInput{KeyId: w.id}))
}

func (w regionsTest) wantState(s *kmstest.Server, want types.KeyState) {
	w.Helper()
	wantState(w.T, s, w.id, want)
}

// Related keys are rotated with their primary key, in all states, and each opens the ciphertexts
// of all.
func TestRotateRelatedKeysOnDemand(t *testing.T) {
	w := newRegionsTest(t, types.OriginTypeAwsKms)
	blobs := map[string][]byte{"alone": encrypt(t, w.here, w.id, "alone")}
	mustSucceed(t, rotateOnDemand(t, w.here, w.id))
	blobs["rotated alone"] = encrypt(t, w.here, w.id, "rotated alone")
	w.replicate() // with both materials
	w.wantEverywhere("NON_CURRENT ", "CURRENT ")
	w.wantOpen(blobs)

	w.disable(w.london)
	scheduleIn(t, w.here, w.id, mumbai, 7)
	mustSucceed(t, rotateOnDemand(t, w.here, w.id))
	w.enable(w.london)
	w.cancelDeletion(w.mumbai)
	w.enable(w.mumbai)
	w.wantEverywhere("NON_CURRENT ", "NON_CURRENT ", "CURRENT ")
	blobs["in London"] = encrypt(t, w.london, w.id, "in London")
	w.wantOpen(blobs)
	all := rotationsOf(t, w.here, w.id, "", nil)
	for _, s := range []*kmstest.Server{w.london, w.mumbai} {
		if !slices.EqualFunc(all, rotationsOf(t, s, w.id, "", nil), sameRotation) {
			t.Error("the rotations are others elsewhere")
		}
	}

	// Rotations are requested from the present primary key.
	for _, s := range []*kmstest.Server{w.london, w.mumbai} {
		wantError(t, rotateOnDemand(t, s, w.id), "UnsupportedOperationException", "is a multi-Region replica key: call this operation on its primary key, in us-east-1.")
	}
	mustSucceed(t, updatePrimary(t, w.here, w.id, london))
	wantError(t, rotateOnDemand(t, w.here, w.id), "UnsupportedOperationException", "in eu-west-2.")
	mustSucceed(t, rotateOnDemand(t, w.london, w.id))
	w.wantEverywhere("NON_CURRENT ", "NON_CURRENT ", "NON_CURRENT ", "CURRENT ")
	w.wantOpen(blobs)
	w.disable(w.london)
	wantError(t, rotateOnDemand(t, w.london, w.id), "DisabledException", "")
}

func sameRotation(a, b types.RotationsListEntry) bool {
	return *a.KeyId == *b.KeyId && *a.KeyMaterialId == *b.KeyMaterialId && a.RotationDate.Equal(*b.RotationDate) && a.RotationType == b.RotationType && a.KeyMaterialState == b.KeyMaterialState
}

// Keys that can have only one material are not rotated in any Region.
func TestNoRotationOfOtherRelatedKeys(t *testing.T) {
	s := kmstest.Start(t)
	id := createPrimaryOf(t, s, types.KeySpecHmac256, types.KeyUsageTypeGenerateVerifyMac)
	must[*kms.ReplicateKeyOutput](t)(replicate(t, s, id, london))
	for _, s := range []*kmstest.Server{s, clientIn(s, london)} {
		wantError(t, enableRotation(t, s, id, nil), "UnsupportedOperationException", "")
		wantError(t, rotateOnDemand(t, s, id), "UnsupportedOperationException", "")
	}
}

// wantRotationEverywhere checks the automatic rotation that each Region shows. 0 days means no
// rotation.
func (w regionsTest) wantRotationEverywhere(days int32, next time.Time) {
	w.Helper()
	for _, s := range w.all() {
		w.wantRotationIn(s, days, next)
	}
}

func (w regionsTest) wantRotationIn(s *kmstest.Server, days int32, next time.Time) {
	w.Helper()
	if days > 0 {
		wantRotation(w.T, s, w.id, days, next)
	} else if out := rotationStatus(w.T, s, w.id); out.KeyRotationEnabled || out.RotationPeriodInDays != nil || out.NextRotationDate != nil {
		w.Errorf("%+v", out)
	}
}

// Automatic rotation is set on the primary key. All related keys show it and are rotated.
func TestAutomaticRotationOfRelatedKeys(t *testing.T) {
	w := newRegionsTest(t, types.OriginTypeAwsKms)
	mustSucceed(t, enableRotation(t, w.here, w.id, aws.Int32(90)))
	next := w.here.Now().Add(90 * day)
	w.replicate()
	w.wantRotationEverywhere(90, next)
	disableRotation := func(s *kmstest.Server) error {
		_, err := s.Client.DisableKeyRotation(t.Context(), &kms.DisableKeyRotationInput{KeyId: w.id})
		return err
	}
	for _, s := range []*kmstest.Server{w.london, w.mumbai} {
		for _, err := range []error{enableRotation(t, s, w.id, nil), disableRotation(s)} {
			wantError(t, err, "UnsupportedOperationException", "is a multi-Region replica key: call this operation on its primary key, in us-east-1.")
		}
	}
	blobs := map[string][]byte{"first": encrypt(t, w.here, w.id, "first")}
	w.disable(w.mumbai)
	w.here.Advance(90*day + time.Second)
	w.enable(w.mumbai)
	w.wantEverywhere("NON_CURRENT ", "CURRENT ")
	w.wantOpen(blobs)
	next = next.Add(90 * day)
	w.wantRotationEverywhere(90, next)

	// The rotation schedule moves with the primary key.
	mustSucceed(t, updatePrimary(t, w.here, w.id, london))
	w.wantRotationEverywhere(90, next)
	w.here.Advance(90*day - time.Minute)
	wantError(t, rotateOnDemand(t, w.london, w.id), "ConflictException", "")
	w.here.Advance(time.Minute + time.Second)
	w.wantEverywhere("NON_CURRENT ", "NON_CURRENT ", "CURRENT ")
	next = next.Add(90 * day)

	// No key is rotated while the primary key is disabled, or while it or a replica is pending
	// deletion.
	w.disable(w.london)
	w.wantRotationEverywhere(90, next)
	w.here.Advance(90*day + time.Second)
	w.wantEverywhere("NON_CURRENT ", "NON_CURRENT ", "CURRENT ")
	w.enable(w.london)
	scheduleIn(t, w.here, w.id, mumbai, 7)
	w.wantRotationIn(w.mumbai, 0, next)
	w.here.Advance(time.Second)
	w.cancelDeletion(w.mumbai)
	w.wantEverywhere("NON_CURRENT ", "NON_CURRENT ", "NON_CURRENT ", "CURRENT ")
	next = w.here.Now().Add(90 * day)
	w.wantRotationEverywhere(90, next)
	schedule(t, w.london, w.id)
	w.wantRotationEverywhere(0, next)
	w.cancelDeletion(w.london)
	w.wantRotationEverywhere(90, next)
	w.enable(w.london)
	mustSucceed(t, disableRotation(w.london))
	w.wantRotationEverywhere(0, next)
}

// bring imports known material into the key of a Region.
func (w regionsTest) bring(s *kmstest.Server, material []byte, changes ...func(*kms.ImportKeyMaterialInput)) error {
	w.Helper()
	_, err := importAs(w.T, s, w.id, material, func(in *kms.ImportKeyMaterialInput) {
		for _, change := range changes {
			change(in)
		}
	})
	return err
}

// newImportedRegionsTest returns a regionsTest with imported material in each Region.
func newImportedRegionsTest(t *testing.T) (w regionsTest, first []byte) {
	t.Helper()
	w, first = newRegionsTest(t, types.OriginTypeExternal), newMaterial()
	mustSucceed(t, w.bring(w.here, first))
	w.replicate()
	mustSucceed(t, w.bring(w.london, first), w.bring(w.mumbai, first))
	return w, first
}

const (
	waitsForAll    = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION IMPORTED"
	waitsForImport = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION PENDING_IMPORT"
	waits          = "PENDING_ROTATION IMPORTED"
	current        = "CURRENT IMPORTED"
)

// New material is imported into the primary key first, then into each replica. Then all keys are
// rotated at once.
func TestImportNewIntoRelatedKeys(t *testing.T) {
	w, first := newImportedRegionsTest(t)
	second, third := newMaterial(), newMaterial()
	blobs := map[string][]byte{"first": encrypt(t, w.london, w.id, "first")}
	existing := func(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeExistingKeyMaterial }

	wantError(t, w.bring(w.london, second, asNew), "UnsupportedOperationException", "new key material is imported into its primary key, in us-east-1, first.")
	wantError(t, w.bring(w.london, second, existing), "IncorrectKeyMaterialException", "")
	id := importNew(t, w.here, w.id, second)
	wantMaterials(t, w.here, w.id, current, waitsForAll)
	wantMaterials(t, w.london, w.id, current, waitsForImport)
	wantError(t, w.bring(w.here, third, asNew), "KMSInvalidStateException", "because another key material (id: "+id+") is pending rotation.")
	wantError(t, rotateOnDemand(t, w.here, w.id), "KMSInvalidStateException", "those in ap-south-1, eu-west-2 do not.")

	// A replica accepts only the material that is pending in the primary key.
	wantError(t, w.bring(w.london, third), "IncorrectKeyMaterialException", "")
	wantError(t, w.bring(w.london, second, asNew), "UnsupportedOperationException", "")
	wantError(t, w.bring(w.london, second, func(in *kms.ImportKeyMaterialInput) {
		in.KeyMaterialId = describe(t, w.here, w.id).CurrentKeyMaterialId
	}), "IncorrectKeyMaterialException", "")
	mustSucceed(t, w.bring(w.london, second, func(in *kms.ImportKeyMaterialInput) {
		in.KeyMaterialId, in.KeyMaterialDescription = &id, aws.String("of London")
	}))
	wantMaterials(t, w.here, w.id, current, waitsForAll)
	wantMaterials(t, w.london, w.id, current, waitsForAll)
	wantMaterials(t, w.mumbai, w.id, current, waitsForImport)
	wantError(t, rotateOnDemand(t, w.here, w.id), "KMSInvalidStateException", "those in ap-south-1 do not.")
	wantError(t, rotateOnDemand(t, w.london, w.id), "UnsupportedOperationException", "is a multi-Region replica key")
	w.disable(w.mumbai)
	mustSucceed(t, w.bring(w.mumbai, second, existing))
	w.enable(w.mumbai)
	w.wantEverywhere(current, waits)
	if _, material := decrypted(t, w.here, encrypt(t, w.mumbai, w.id, "x")); material == id {
		t.Error("what waits is in use before its rotation")
	}
	w.disable(w.here)
	wantError(t, rotateOnDemand(t, w.here, w.id), "DisabledException", "")
	w.enable(w.here)

	mustSucceed(t, rotateOnDemand(t, w.here, w.id))
	w.wantEverywhere("NON_CURRENT IMPORTED", current)
	w.wantOpen(blobs)
	if all := rotationsOf(t, w.london, w.id, "", nil); len(all) != 1 || aws.ToString(all[0].KeyMaterialDescription) != "of London" || all[0].RotationType != types.RotationTypeOnDemand {
		t.Errorf("%+v", all)
	}

	// The material is now ordinary material of the key, separately in each Region.
	deleteMaterial(t, w.london, w.id, &id)
	w.wantState(w.london, types.KeyStatePendingImport)
	w.wantState(w.here, types.KeyStateEnabled)
	wantError(t, w.bring(w.london, first, asNew), "UnsupportedOperationException", "")
	mustSucceed(t, w.bring(w.london, second))
	w.wantOpen(blobs)

	// A new replica knows both materials and has the bytes of neither.
	paris := clientIn(w.here, "eu-west-3")
	must[*kms.ReplicateKeyOutput](t)(replicate(t, w.here, w.id, "eu-west-3"))
	wantMaterials(t, paris, w.id, "NON_CURRENT PENDING_IMPORT", "CURRENT PENDING_IMPORT")
	mustSucceed(t, w.bring(paris, second))
	w.wantState(paris, types.KeyStatePendingImport)
	mustSucceed(t, w.bring(paris, first))
	w.wantState(paris, types.KeyStateEnabled)
	if text, _ := decrypted(t, paris, blobs["first"]); text != "first" {
		t.Errorf("in Paris it opens to %q", text)
	}
}

// A primary key without replicas waits for no other key. With a new replica it waits.
func TestReplicateWhileMaterialWaits(t *testing.T) {
	w := newRegionsTest(t, types.OriginTypeExternal)
	first, second := newMaterial(), newMaterial()
	mustSucceed(t, w.bring(w.here, first), w.bring(w.here, second, asNew))
	wantMaterials(t, w.here, w.id, current, waits)
	w.replicate()
	wantMaterials(t, w.here, w.id, current, waitsForAll)
	wantMaterials(t, w.london, w.id, "CURRENT PENDING_IMPORT", waitsForImport)
	wantError(t, rotateOnDemand(t, w.here, w.id), "KMSInvalidStateException", "those in ap-south-1, eu-west-2 do not.")

	// Pending material can be rotated to, whether or not the current material is present.
	mustSucceed(t, w.bring(w.london, second), w.bring(w.mumbai, second))
	wantMaterials(t, w.london, w.id, "CURRENT PENDING_IMPORT", waits)
	w.wantState(w.london, types.KeyStatePendingImport)
	mustSucceed(t, rotateOnDemand(t, w.here, w.id))
	wantMaterials(t, w.london, w.id, "NON_CURRENT PENDING_IMPORT", current)
	w.wantState(w.london, types.KeyStatePendingImport)
	mustSucceed(t, w.bring(w.london, first), w.bring(w.mumbai, first))
	w.wantState(w.london, types.KeyStateEnabled)
	w.wantOpen(nil)
}

// Pending material that is deleted from the primary key is deleted everywhere. Deleted from a
// replica, it is deleted only there.
func TestDeletePendingMaterialOfRelatedKeys(t *testing.T) {
	w, _ := newImportedRegionsTest(t)
	second, third := newMaterial(), newMaterial()
	id := importNew(t, w.here, w.id, second)
	mustSucceed(t, w.bring(w.london, second), w.bring(w.mumbai, second))
	w.wantEverywhere(current, waits)

	for range 2 { // the second time there is nothing to delete
		deleteMaterial(t, w.london, w.id, &id)
		wantMaterials(t, w.here, w.id, current, waitsForAll)
		wantMaterials(t, w.london, w.id, current, waitsForImport)
		wantMaterials(t, w.mumbai, w.id, current, waitsForAll)
		w.wantState(w.london, types.KeyStateEnabled)
	}
	wantError(t, rotateOnDemand(t, w.here, w.id), "KMSInvalidStateException", "those in eu-west-2 do not.")
	deleteMaterial(t, w.here, w.id, &id)
	w.wantEverywhere(current)
	for _, s := range w.all() {
		w.wantState(s, types.KeyStateEnabled)
		_, err := s.Client.DeleteImportedKeyMaterial(t.Context(), &kms.DeleteImportedKeyMaterialInput{KeyId: w.id, KeyMaterialId: &id})
		wantError(t, err, "NotFoundException", "")
	}
	wantError(t, w.bring(w.mumbai, second), "IncorrectKeyMaterialException", "")

	// Other material can be imported in its place.
	importNew(t, w.here, w.id, third)
	wantError(t, w.bring(w.mumbai, second), "IncorrectKeyMaterialException", "")
	mustSucceed(t, w.bring(w.london, third), w.bring(w.mumbai, third), rotateOnDemand(t, w.here, w.id))
	w.wantEverywhere("NON_CURRENT IMPORTED", current)
	w.wantOpen(nil)
}

// Pending material expires separately in each Region. Its expiry in the primary key removes it
// in all Regions.
func TestExpiryOfPendingMaterialOfRelatedKeys(t *testing.T) {
	w, _ := newImportedRegionsTest(t)
	second, third := newMaterial(), newMaterial()
	until := func(d time.Duration) func(in *kms.ImportKeyMaterialInput) {
		return func(in *kms.ImportKeyMaterialInput) { in.ExpirationModel, in.ValidTo = "", after(w.here, d) }
	}
	mustSucceed(t, w.bring(w.here, second, asNew, until(20*day)), w.bring(w.london, second, until(10*day)), w.bring(w.mumbai, second))
	w.wantEverywhere(current, waits)
	w.here.Advance(10 * day)
	wantMaterials(t, w.here, w.id, current, waitsForAll)
	wantMaterials(t, w.london, w.id, current, waitsForImport)
	w.wantState(w.london, types.KeyStateEnabled)
	wantError(t, rotateOnDemand(t, w.here, w.id), "KMSInvalidStateException", "those in eu-west-2 do not.")
	mustSucceed(t, w.bring(w.london, second, until(15*day)))
	w.wantEverywhere(current, waits)
	w.here.Advance(10 * day)
	must[*kms.ReplicateKeyOutput](t)(replicate(t, w.here, w.id, "eu-west-3")) // before or after the sweep
	wantMaterials(t, clientIn(w.here, "eu-west-3"), w.id, "CURRENT PENDING_IMPORT")
	scheduleIn(t, w.here, w.id, "eu-west-3", 30)
	w.wantEverywhere(current)
	wantError(t, rotateOnDemand(t, w.here, w.id), "KMSInvalidStateException", "No available key material pending rotation")

	// Other material can become pending at once, before or after the sweep.
	mustSucceed(t, w.bring(w.here, third, asNew))
	wantMaterials(t, w.mumbai, w.id, current, waitsForImport)
	wantError(t, w.bring(w.mumbai, second), "IncorrectKeyMaterialException", "")
	mustSucceed(t, w.bring(w.london, third, until(5*day)), w.bring(w.mumbai, third, until(6*day)), rotateOnDemand(t, w.here, w.id))

	// After the rotation, the expiry of material in one Region affects only the key of that
	// Region.
	w.here.Advance(5 * day)
	w.wantState(w.london, types.KeyStatePendingImport)
	wantMaterials(t, w.london, w.id, "NON_CURRENT IMPORTED", "CURRENT PENDING_IMPORT")
	w.wantState(w.mumbai, types.KeyStateEnabled)
	w.wantState(w.here, types.KeyStateEnabled)
	mustSucceed(t, w.bring(w.london, third), w.bring(w.mumbai, third))
	w.wantOpen(nil)
}

// A rotation does not wait for a replica that is pending deletion. If the deletion is cancelled
// later, the replica lacks the material of the rotation.
func TestRotationPastADoomedReplica(t *testing.T) {
	w, _ := newImportedRegionsTest(t)
	second, third := newMaterial(), newMaterial()
	mustSucceed(t, w.bring(w.here, second, asNew), w.bring(w.london, second))
	wantMaterials(t, w.here, w.id, current, waitsForAll)
	scheduleIn(t, w.here, w.id, mumbai, 7)
	_, err := w.mumbai.Client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{KeyId: w.id, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048})
	wantError(t, err, "KMSInvalidStateException", "is pending deletion")
	wantMaterials(t, w.here, w.id, current, waits)
	wantMaterials(t, w.mumbai, w.id, current, "PENDING_ROTATION PENDING_IMPORT")
	w.cancelDeletion(w.mumbai)
	wantMaterials(t, w.here, w.id, current, waitsForAll)
	scheduleIn(t, w.here, w.id, mumbai, 7)
	mustSucceed(t, rotateOnDemand(t, w.here, w.id))
	wantMaterials(t, w.mumbai, w.id, "NON_CURRENT IMPORTED", "CURRENT PENDING_IMPORT")
	w.cancelDeletion(w.mumbai)
	w.wantState(w.mumbai, types.KeyStatePendingImport)
	mustSucceed(t, w.bring(w.mumbai, second))
	w.wantState(w.mumbai, types.KeyStateEnabled)
	w.wantOpen(nil)

	// A rotation does not wait for a replica that is gone.
	mustSucceed(t, w.bring(w.here, third, asNew), w.bring(w.london, third))
	scheduleIn(t, w.here, w.id, mumbai, 7)
	w.here.Advance(7*day + time.Second)
	wantFamily(t, w.here, w.id, kmstest.Region, london)
	mustSucceed(t, rotateOnDemand(t, w.here, w.id))
	wantMaterials(t, w.london, w.id, "NON_CURRENT IMPORTED", "NON_CURRENT IMPORTED", current)
}

// While material is pending, only a replica that has the material can become the primary key.
func TestUpdatePrimaryRegionWhileMaterialWaits(t *testing.T) {
	w, _ := newImportedRegionsTest(t)
	second, third := newMaterial(), newMaterial()
	id := importNew(t, w.here, w.id, second)
	mustSucceed(t, w.bring(w.london, second))
	wantError(t, updatePrimary(t, w.here, w.id, mumbai), "KMSInvalidStateException", "Key material "+id+" is pending import into the key in ap-south-1")
	wantFamily(t, w.here, w.id, kmstest.Region, london, mumbai)
	mustSucceed(t, updatePrimary(t, w.here, w.id, london))
	wantFamily(t, w.here, w.id, london, kmstest.Region, mumbai)
	wantMaterials(t, w.here, w.id, current, waitsForAll)
	wantMaterials(t, w.mumbai, w.id, current, waitsForImport)

	// The former primary key is now a replica. Its pending material can be deleted separately,
	// and is dropped when the primary key drops it.
	deleteMaterial(t, w.here, w.id, &id)
	wantMaterials(t, w.here, w.id, current, waitsForImport)
	wantMaterials(t, w.london, w.id, current, waitsForAll)
	mustSucceed(t, w.bring(w.here, second), w.bring(w.mumbai, second))
	w.wantEverywhere(current, waits)
	wantError(t, rotateOnDemand(t, w.here, w.id), "UnsupportedOperationException", "")
	deleteMaterial(t, w.london, w.id, &id)
	w.wantEverywhere(current)
	wantError(t, w.bring(w.here, third, asNew), "UnsupportedOperationException", "")
	mustSucceed(t, w.bring(w.london, third, asNew), w.bring(w.here, third), w.bring(w.mumbai, third), rotateOnDemand(t, w.london, w.id))
	w.wantEverywhere("NON_CURRENT IMPORTED", current)
	w.wantOpen(nil)

	// Expired pending material does not stop a change of the primary key, before and after the
	// sweep.
	fourth := newMaterial()
	mustSucceed(t, w.bring(w.london, fourth, asNew, func(in *kms.ImportKeyMaterialInput) { in.ExpirationModel, in.ValidTo = "", after(w.here, day) }), w.bring(w.mumbai, fourth))
	w.here.Advance(day)
	mustSucceed(t, updatePrimary(t, w.london, w.id, kmstest.Region))
	w.wantEverywhere("NON_CURRENT IMPORTED", current)
}
