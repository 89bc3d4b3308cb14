package service_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/keyhold/keyhold/kmstest"
)

// in sends a request to another Region.
func in(region string) func(o *kms.Options) {
	return func(o *kms.Options) { o.Region, o.RetryMaxAttempts = region, 1 }
}

const mumbai, london = "ap-south-1", "eu-west-2"

func createPrimary(t *testing.T, s *kmstest.Server, origin types.OriginType) *string {
	t.Helper()
	return must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{MultiRegion: aws.Bool(true), Origin: origin})).KeyMetadata.KeyId
}

func replicate(t *testing.T, s *kmstest.Server, id *string, region string, options ...func(*kms.Options)) (*kms.ReplicateKeyOutput, error) {
	t.Helper()
	return s.Client.ReplicateKey(t.Context(), &kms.ReplicateKeyInput{KeyId: id, ReplicaRegion: &region}, append(options, once)...)
}

func describeIn(t *testing.T, s *kmstest.Server, id *string, region string) *types.KeyMetadata {
	t.Helper()
	return must[*kms.DescribeKeyOutput](t)(s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: id}, in(region))).KeyMetadata
}

// wantFamily checks that all related keys show the same primary key and replicas.
func wantFamily(t *testing.T, s *kmstest.Server, id *string, primary string, replicas ...string) {
	t.Helper()
	for _, region := range append([]string{primary}, replicas...) {
		m := describeIn(t, s, id, region)
		c := m.MultiRegionConfiguration
		if !aws.ToBool(m.MultiRegion) || c == nil || aws.ToString(m.KeyId) != *id || (c.MultiRegionKeyType == types.MultiRegionKeyTypePrimary) != (region == primary) {
			t.Fatalf("in %s: %+v", region, m)
		}
		var got []string
		for _, k := range append([]types.MultiRegionKey{*c.PrimaryKey}, c.ReplicaKeys...) {
			if *k.Arn != fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", *k.Region, kmstest.Account, *id) {
				t.Errorf("in %s: %s for %s", region, *k.Arn, *k.Region)
			}
			got = append(got, *k.Region)
		}
		if want := append([]string{primary}, slices.Sorted(slices.Values(replicas))...); !slices.Equal(got, want) {
			t.Errorf("in %s: %q, want %q", region, got, want)
		}
	}
}

func TestReplicateKey(t *testing.T) {
	s := kmstest.Start(t)
	id := createPrimary(t, s, types.OriginTypeAwsKms)
	wantFamily(t, s, id, kmstest.Region)
	before := encrypt(t, s, id, "before")
	primary := describe(t, s, id)
	s.Advance(time.Hour)
	policy := strings.Replace(defaultPolicy(t, s, id), "key-default-1", "mine", 1)
	out := must[*kms.ReplicateKeyOutput](t)(s.Client.ReplicateKey(t.Context(), &kms.ReplicateKeyInput{
		KeyId: id, ReplicaRegion: aws.String(london), Description: aws.String("d"), Policy: &policy, Tags: []types.Tag{{TagKey: aws.String("a"), TagValue: aws.String("")}},
	}))
	m := out.ReplicaKeyMetadata
	if aws.ToString(out.ReplicaPolicy) != policy || len(out.ReplicaTags) != 1 || aws.ToString(out.ReplicaTags[0].TagKey) != "a" || aws.ToString(m.Description) != "d" ||
		m.KeyState != types.KeyStateEnabled || !m.Enabled || m.CreationDate.Sub(*primary.CreationDate) < time.Hour || aws.ToString(m.CurrentKeyMaterialId) != *primary.CurrentKeyMaterialId ||
		m.KeySpec != primary.KeySpec || m.KeyUsage != primary.KeyUsage || m.Origin != primary.Origin || len(m.MultiRegionConfiguration.ReplicaKeys) != 1 {
		t.Errorf("%+v", out)
	}
	bare := must[*kms.ReplicateKeyOutput](t)(replicate(t, s, aws.String(*primary.Arn), mumbai))
	if aws.ToString(bare.ReplicaKeyMetadata.Description) != "" || len(bare.ReplicaTags) != 0 || !strings.Contains(*bare.ReplicaPolicy, "key-default-1") || len(bare.ReplicaKeyMetadata.MultiRegionConfiguration.ReplicaKeys) != 2 {
		t.Errorf("%+v", bare)
	}
	wantFamily(t, s, id, kmstest.Region, london, mumbai)

	// Each key opens the ciphertexts of all keys, before and after the change.
	regions := []string{kmstest.Region, london, mumbai}
	blobs := map[string][]byte{"before": before}
	for _, region := range regions {
		blobs[region] = must[*kms.EncryptOutput](t)(s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id, Plaintext: []byte(region)}, in(region))).CiphertextBlob
	}
	for text, blob := range blobs {
		for _, region := range regions {
			got := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}, in(region)))
			if string(got.Plaintext) != text || !strings.Contains(*got.KeyId, region) || aws.ToString(got.KeyMaterialId) != *primary.CurrentKeyMaterialId {
				t.Errorf("of %s in %s: %q by %s", text, region, got.Plaintext, *got.KeyId)
			}
		}
	}
	_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: before}, in("eu-central-1"))
	wantError(t, err, "AccessDeniedException", blobRefused)
}

func defaultPolicy(t *testing.T, s *kmstest.Server, id *string) string {
	t.Helper()
	return *must[*kms.GetKeyPolicyOutput](t)(s.Client.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: id})).Policy
}

func TestReplicateKeyRefused(t *testing.T) {
	s := kmstest.Start(t)
	id, single, external := createPrimary(t, s, types.OriginTypeAwsKms), createGenerated(t, s), createPrimary(t, s, types.OriginTypeExternal)
	must[*kms.ReplicateKeyOutput](t)(replicate(t, s, id, london))
	for name, c := range map[string]struct {
		error, part string
		in          kms.ReplicateKeyInput
	}{
		"of a single-Region key":    {"UnsupportedOperationException", "not a multi-region primary key", kms.ReplicateKeyInput{KeyId: single}},
		"of no key":                 {"NotFoundException", "", kms.ReplicateKeyInput{KeyId: aws.String("mrk-00000000000000000000000000000000")}},
		"of a key of others":        {"AccessDeniedException", "kms:ReplicateKey", kms.ReplicateKeyInput{KeyId: aws.String(foreignPrefix + "key/" + *id)}},
		"of an alias":               {"InvalidArnException", "", kms.ReplicateKeyInput{KeyId: aws.String(arnPrefix + "alias/a")}},
		"of a key without material": {"KMSInvalidStateException", "is pending import", kms.ReplicateKeyInput{KeyId: external}},
		"to its own Region":         {"AlreadyExistsException", "", kms.ReplicateKeyInput{ReplicaRegion: aws.String(kmstest.Region)}},
		"where one is":              {"AlreadyExistsException", "", kms.ReplicateKeyInput{ReplicaRegion: aws.String(london)}},
		"to no Region":              {"ValidationException", "replicaRegion", kms.ReplicateKeyInput{ReplicaRegion: aws.String("London")}},
		"with a bad policy":         {"MalformedPolicyDocumentException", "", kms.ReplicateKeyInput{Policy: aws.String("{}")}},
		"with a reserved tag":       {"TagException", "", kms.ReplicateKeyInput{Tags: []types.Tag{{TagKey: aws.String("aws:a"), TagValue: aws.String("")}}}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.in.KeyId == nil {
				c.in.KeyId = id
			}
			if c.in.ReplicaRegion == nil {
				c.in.ReplicaRegion = aws.String(mumbai)
			}
			_, err := s.Client.ReplicateKey(t.Context(), &c.in, once)
			wantError(t, err, c.error, c.part)
		})
	}
	_, err := replicate(t, s, id, mumbai, in(london))
	wantError(t, err, "UnsupportedOperationException", "eu-west-2")
	wantFamily(t, s, id, kmstest.Region, london)
	for state, change := range map[string]func() error{
		"DisabledException": func() error {
			_, err := s.Client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id})
			return err
		},
		"KMSInvalidStateException": func() error { schedule(t, s, id); return nil },
	} {
		mustSucceed(t, change())
		for _, err := range []error{second(replicate(t, s, id, mumbai)), updatePrimary(t, s, id, london)} {
			wantError(t, err, state, "")
		}
		if state == "KMSInvalidStateException" {
			must[*kms.CancelKeyDeletionOutput](t)(s.Client.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: id}))
		}
		must[*kms.EnableKeyOutput](t)(s.Client.EnableKey(t.Context(), &kms.EnableKeyInput{KeyId: id}))
	}
}

func second[T any](_ T, err error) error { return err }

func updatePrimary(t *testing.T, s *kmstest.Server, id *string, region string, options ...func(*kms.Options)) error {
	t.Helper()
	_, err := s.Client.UpdatePrimaryRegion(t.Context(), &kms.UpdatePrimaryRegionInput{KeyId: id, PrimaryRegion: &region}, append(options, once)...)
	return err
}

func TestUpdatePrimaryRegion(t *testing.T) {
	s := kmstest.Start(t)
	id, single := createPrimary(t, s, types.OriginTypeAwsKms), createGenerated(t, s)
	for _, region := range []string{london, mumbai} {
		must[*kms.ReplicateKeyOutput](t)(replicate(t, s, id, region))
	}
	wantError(t, updatePrimary(t, s, single, london), "UnsupportedOperationException", "")
	wantError(t, updatePrimary(t, s, id, kmstest.Region), "UnsupportedOperationException", "")
	wantError(t, updatePrimary(t, s, id, "eu-central-1"), "NotFoundException", "eu-central-1")
	wantError(t, updatePrimary(t, s, id, mumbai, in(london)), "UnsupportedOperationException", "not a multi-region primary key")
	wantFamily(t, s, id, kmstest.Region, london, mumbai)
	mustSucceed(t, updatePrimary(t, s, id, london))
	wantFamily(t, s, id, london, kmstest.Region, mumbai)
	// The new primary key can be replicated, and its deletion waits for its replicas.
	wantError(t, second(replicate(t, s, id, "eu-central-1")), "UnsupportedOperationException", "")
	must[*kms.ReplicateKeyOutput](t)(replicate(t, s, id, "eu-central-1", in(london)))
	wantFamily(t, s, id, london, kmstest.Region, mumbai, "eu-central-1")
	mustSucceed(t, updatePrimary(t, s, id, kmstest.Region, in(london)))
	wantFamily(t, s, id, kmstest.Region, london, mumbai, "eu-central-1")
	// A replica that is pending deletion cannot become the primary key. The primary key still
	// lists it.
	scheduleIn(t, s, id, mumbai, 7)
	wantError(t, updatePrimary(t, s, id, mumbai), "KMSInvalidStateException", mumbai)
	mustSucceed(t, updatePrimary(t, s, id, london))
	wantFamily(t, s, id, london, kmstest.Region, mumbai, "eu-central-1")
	s.Advance(7 * day)
	wantFamily(t, s, id, london, kmstest.Region, "eu-central-1")
}

func scheduleIn(t *testing.T, s *kmstest.Server, id *string, region string, days int32) *kms.ScheduleKeyDeletionOutput {
	t.Helper()
	return must[*kms.ScheduleKeyDeletionOutput](t)(s.Client.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: &days}, in(region)))
}

// The dates of a primary key and its replicas are correct before and after the sweep.
func TestDeletionOfRelatedKeys(t *testing.T) {
	s := kmstest.Start(t)
	id := createPrimary(t, s, types.OriginTypeAwsKms)
	for _, region := range []string{london, mumbai} {
		must[*kms.ReplicateKeyOutput](t)(replicate(t, s, id, region))
	}
	blob := encrypt(t, s, id, "hello")
	out := scheduleIn(t, s, id, kmstest.Region, 20)
	if out.KeyState != types.KeyStatePendingReplicaDeletion || out.DeletionDate != nil || aws.ToInt32(out.PendingWindowInDays) != 20 {
		t.Errorf("%+v", out)
	}
	m := describe(t, s, id)
	if m.KeyState != types.KeyStatePendingReplicaDeletion || m.DeletionDate != nil || aws.ToInt32(m.PendingDeletionWindowInDays) != 20 || m.Enabled {
		t.Errorf("%+v", m)
	}
	must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}, in(london)))
	_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}, once)
	wantError(t, err, "KMSInvalidStateException", "is pending replica deletion")

	first := scheduleIn(t, s, id, london, 7)
	scheduleIn(t, s, id, mumbai, 8)
	if first.KeyState != types.KeyStatePendingDeletion || first.DeletionDate == nil {
		t.Errorf("%+v", first)
	}
	s.Advance(7*day + time.Minute)
	wantFamily(t, s, id, kmstest.Region, mumbai)
	must[*kms.CancelKeyDeletionOutput](t)(s.Client.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: id}, in(mumbai)))
	s.Advance(3 * day)
	wantFamily(t, s, id, kmstest.Region, mumbai)
	if got := describe(t, s, id); got.KeyState != types.KeyStatePendingReplicaDeletion {
		t.Errorf("the primary key does not wait for a replica that was kept: %+v", got)
	}
	last := scheduleIn(t, s, id, mumbai, 7)
	s.Advance(8 * day)
	m = describe(t, s, id)
	if want := last.DeletionDate.Add(20 * day); m.KeyState != types.KeyStatePendingDeletion || m.DeletionDate == nil || m.DeletionDate.Sub(want).Abs() > time.Second || m.PendingDeletionWindowInDays != nil {
		t.Errorf("%+v, want the date %s", m, want)
	}
	wantFamily(t, s, id, kmstest.Region)
	s.Advance(19 * day)
	_, err = s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: id})
	wantError(t, err, "NotFoundException", "")
}

// Each Region has grants of its own. A request may carry a grant token of another Region.
func TestGrantsOfRelatedKeys(t *testing.T) {
	s := kmstest.Start(t)
	id := createPrimary(t, s, types.OriginTypeAwsKms)
	must[*kms.ReplicateKeyOutput](t)(replicate(t, s, id, london))
	retiring := func(in *kms.CreateGrantInput) { in.RetiringPrincipal = aws.String(rootARN) }
	here := createGrant(t, s, id, retiring)
	there := must[*kms.CreateGrantOutput](t)(s.Client.CreateGrant(t.Context(), grantInput(id, retiring), in(london)))
	wantIDs(t, "here", listGrants(t, s, &kms.ListGrantsInput{KeyId: id}), here.GrantId)
	wantIDs(t, "here", retirable(t, s, rootARN), here.GrantId)
	mustSucceed(t, describeWith(t, s, id, *there.GrantToken))
	_, err := s.Client.RetireGrant(t.Context(), &kms.RetireGrantInput{GrantToken: there.GrantToken})
	wantError(t, err, "InvalidGrantTokenException", "")
	_, err = s.Client.RetireGrant(t.Context(), &kms.RetireGrantInput{KeyId: id, GrantId: there.GrantId})
	wantError(t, err, "NotFoundException", "")
	must[*kms.RetireGrantOutput](t)(s.Client.RetireGrant(t.Context(), &kms.RetireGrantInput{GrantToken: there.GrantToken}, in(london)))
}

// Related keys agree after concurrent changes by many callers.
func TestRelatedKeysAgree(t *testing.T) {
	s := kmstest.Start(t)
	id := createPrimary(t, s, types.OriginTypeAwsKms)
	regions := []string{kmstest.Region, london, mumbai, "eu-central-1", "eu-north-1"}
	refusals := []string{"UnsupportedOperationException", "AlreadyExistsException", "NotFoundException", "ThrottlingException"}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				from, to := regions[(i+j)%len(regions)], regions[(i*3+j)%len(regions)]
				var err error
				if j%3 == 0 {
					_, err = replicate(t, s, id, to, in(from))
				} else {
					err = updatePrimary(t, s, id, to, in(from))
				}
				var e smithy.APIError
				if err != nil && (!errors.As(err, &e) || !slices.Contains(refusals, e.ErrorCode())) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, region := range regions {
		_, err := s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: id}, in(region))
		if err != nil {
			continue
		}
		c := describeIn(t, s, id, region).MultiRegionConfiguration
		var replicas []string
		for _, r := range c.ReplicaKeys {
			replicas = append(replicas, *r.Region)
		}
		wantFamily(t, s, id, *c.PrimaryKey.Region, replicas...)
	}
}

// Material is imported separately in each Region.
func TestImportIntoRelatedKeys(t *testing.T) {
	s := kmstest.Start(t)
	id, material := createPrimary(t, s, types.OriginTypeExternal), newMaterial()
	imported := importMaterial(t, s, id, material)
	out := must[*kms.ReplicateKeyOutput](t)(replicate(t, s, id, london))
	if m := out.ReplicaKeyMetadata; m.KeyState != types.KeyStatePendingImport || m.Enabled || m.ExpirationModel != "" || aws.ToString(m.CurrentKeyMaterialId) != *imported.KeyMaterialId {
		t.Errorf("%+v", m)
	}
	bring := func(material []byte, change func(*kms.ImportKeyMaterialInput)) error {
		t.Helper()
		p := parameters{must[*kms.GetParametersForImportOutput](t)(s.Client.GetParametersForImport(t.Context(), &kms.GetParametersForImportInput{
			KeyId: id, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
		}, in(london))), types.AlgorithmSpecRsaesOaepSha256}
		request := p.request(t, material)
		if change != nil {
			change(request)
		}
		_, err := s.Client.ImportKeyMaterial(t.Context(), request, in(london))
		return err
	}
	wantError(t, bring(newMaterial(), nil), "IncorrectKeyMaterialException", "")
	wantError(t, bring(material, func(in *kms.ImportKeyMaterialInput) { in.ImportType = types.ImportTypeNewKeyMaterial }), "UnsupportedOperationException", "replica")
	elsewhere := oaep256(t, s, id).request(t, material)
	wantError(t, bring(material, func(in *kms.ImportKeyMaterialInput) {
		in.ImportToken, in.EncryptedKeyMaterial = elsewhere.ImportToken, elsewhere.EncryptedKeyMaterial
	}), "InvalidImportTokenException", "")
	mustSucceed(t, bring(material, func(in *kms.ImportKeyMaterialInput) {
		in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, after(s, day)
	}))
	blob := encrypt(t, s, id, "hello")
	decrypt := func(region string) error {
		_, err := s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob}, in(region))
		return err
	}
	mustSucceed(t, decrypt(london), decrypt(kmstest.Region))
	s.Advance(day)
	wantError(t, decrypt(london), "KMSInvalidStateException", "is pending import")
	mustSucceed(t, decrypt(kmstest.Region))
	mustSucceed(t, bring(material, nil), decrypt(london))
	must[*kms.DeleteImportedKeyMaterialOutput](t)(s.Client.DeleteImportedKeyMaterial(t.Context(), &kms.DeleteImportedKeyMaterialInput{KeyId: id}))
	mustSucceed(t, decrypt(london))
	wantError(t, decrypt(kmstest.Region), "KMSInvalidStateException", "is pending import")
}
