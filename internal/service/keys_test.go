package service_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

func TestCreateKeyRefusals(t *testing.T) {
	s := kmstest.Start(t)
	tag := func(k, v string) types.Tag { return types.Tag{TagKey: &k, TagValue: &v} }
	for _, c := range []struct {
		name, errorName string
		in              kms.CreateKeyInput
	}{
		{"a key of the China Regions", "UnsupportedOperationException", kms.CreateKeyInput{KeySpec: types.KeySpecSm2, KeyUsage: types.KeyUsageTypeSignVerify}},
		//lint:ignore SA1019 old clients send the deprecated member
		{"an HMAC key without its usage", "ValidationException", kms.CreateKeyInput{CustomerMasterKeySpec: types.CustomerMasterKeySpecHmac256}},
		{"a usage that the spec does not have", "ValidationException", kms.CreateKeyInput{KeySpec: types.KeySpecEccSecgP256k1, KeyUsage: types.KeyUsageTypeKeyAgreement}},
		{"material that cannot be imported", "UnsupportedOperationException", kms.CreateKeyInput{KeySpec: types.KeySpecMlKem512, KeyUsage: types.KeyUsageTypeEncapsulateDecapsulate, Origin: types.OriginTypeExternal}},
		//lint:ignore SA1019 old clients send the deprecated member
		{"both specs", "ValidationException", kms.CreateKeyInput{KeySpec: types.KeySpecSymmetricDefault, CustomerMasterKeySpec: types.CustomerMasterKeySpecSymmetricDefault}},
		{"an unknown spec", "ValidationException", kms.CreateKeyInput{KeySpec: "DES"}},
		{"a symmetric key to sign with", "ValidationException", kms.CreateKeyInput{KeyUsage: types.KeyUsageTypeSignVerify}},
		{"a custom key store", "UnsupportedOperationException", kms.CreateKeyInput{Origin: types.OriginTypeAwsCloudhsm, CustomKeyStoreId: aws.String("cks-1")}},
		{"an external key store", "UnsupportedOperationException", kms.CreateKeyInput{XksKeyId: aws.String("x")}},
		{"a policy without a statement", "MalformedPolicyDocumentException", kms.CreateKeyInput{Policy: aws.String(`{"Version":"2012-10-17","Statement":[]}`)}},
		{"text that is not a policy", "MalformedPolicyDocumentException", kms.CreateKeyInput{Policy: aws.String("allow me")}},
		{"one tag twice", "TagException", kms.CreateKeyInput{Tags: []types.Tag{tag("a", "1"), tag("a", "2")}}},
		{"a reserved tag", "TagException", kms.CreateKeyInput{Tags: []types.Tag{tag("aws:x", "1")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Client.CreateKey(t.Context(), &c.in)
			wantError(t, err, c.errorName, "")
		})
	}
	if got := must[*kms.ListKeysOutput](t)(s.Client.ListKeys(t.Context(), &kms.ListKeysInput{})); len(got.Keys) != 0 {
		t.Errorf("%d keys were made all the same", len(got.Keys))
	}
}

func TestKeyReferences(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	must[*kms.CreateAliasOutput](t)(s.Client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/mine"), TargetKeyId: id}))
	const prefix = "arn:aws:kms:us-east-1:000000000000:"
	for _, ref := range []string{*id, prefix + "key/" + *id, "alias/mine", prefix + "alias/mine"} {
		if got := describe(t, s, &ref); *got.KeyId != *id || *got.Arn != prefix+"key/"+*id {
			t.Errorf("%s describes %s", ref, *got.Arn)
		}
	}
	const absent = "00000000-0000-4000-8000-000000000000"
	for _, c := range []struct{ ref, name, part string }{
		{absent, "NotFoundException", "Key '" + prefix + "key/" + absent + "' does not exist"},
		{"alias/other", "NotFoundException", "Alias " + prefix + "alias/other is not found."},
		{"nonsense", "NotFoundException", "Invalid keyId 'nonsense'"},
		{"arn:aws:kms:eu-west-1:000000000000:key/" + *id, "NotFoundException", "Invalid arn eu-west-1"},
		{"arn:aws:s3:us-east-1:000000000000:key/" + *id, "InvalidArnException", ""},
		{"arn:aws:kms", "InvalidArnException", ""},
		{"arn:aws:kms:us-east-1:444455556666:key/" + *id, "AccessDeniedException",
			"User: arn:aws:iam::000000000000:root is not authorized to perform: kms:DescribeKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"},
		{"arn:aws:kms:us-east-1:444455556666:alias/mine", "AccessDeniedException", ""},
	} {
		_, err := s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &c.ref})
		wantError(t, err, c.name, c.part)
	}
	_, err := s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: id, GrantTokens: []string{"x"}})
	wantError(t, err, "InvalidGrantTokenException", "")
}

func TestPages(t *testing.T) {
	s := kmstest.Start(t)
	var want []string
	for range 7 {
		want = append(want, *createExternal(t, s))
	}
	slices.Sort(want)
	var got []string
	in := &kms.ListKeysInput{Limit: aws.Int32(3)}
	for page := 0; ; page++ {
		out := must[*kms.ListKeysOutput](t)(s.Client.ListKeys(t.Context(), in))
		for _, k := range out.Keys {
			got = append(got, *k.KeyId)
		}
		if page == 0 { // keys that come meanwhile shift nothing
			createExternal(t, s)
		}
		if out.Truncated != (out.NextMarker != nil) {
			t.Errorf("Truncated %v with marker %v", out.Truncated, out.NextMarker)
		}
		if !out.Truncated {
			break
		}
		in.Marker = out.NextMarker
	}
	seen := map[string]int{}
	for _, id := range got {
		seen[id]++
	}
	for _, id := range want {
		if seen[id] != 1 {
			t.Errorf("key %s was listed %d times", id, seen[id])
		}
	}
	for _, marker := range []string{"x", "bm9uc2Vuc2U"} {
		_, err := s.Client.ListKeys(t.Context(), &kms.ListKeysInput{Marker: &marker})
		wantError(t, err, "InvalidMarkerException", "")
	}
	_, err := s.Client.ListAliases(t.Context(), &kms.ListAliasesInput{Marker: in.Marker})
	wantError(t, err, "InvalidMarkerException", "")
	_, err = s.Client.ListKeys(t.Context(), &kms.ListKeysInput{Limit: aws.Int32(0)})
	wantError(t, err, "ValidationException", "Member must have value greater than or equal to 1")
}

func TestAliases(t *testing.T) {
	s := kmstest.Start(t)
	id, other := createExternal(t, s), createExternal(t, s)
	create := func(name string, target *string) error {
		_, err := s.Client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: target})
		return err
	}
	for _, name := range []string{"alias/a", "alias/a/b", "alias/A_-9"} {
		if err := create(name, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := create("alias/z", other); err != nil {
		t.Fatal(err)
	}
	wantError(t, create("alias/a", other), "AlreadyExistsException", "arn:aws:kms:us-east-1:000000000000:alias/a already exists")
	for name, errorName := range map[string]string{
		"a": "ValidationException", "alias/": "ValidationException", "alias/aws/x": "InvalidAliasNameException",
		"alias/a:b": "ValidationException", "alias/a b": "ValidationException", "": "ValidationException",
	} {
		wantError(t, create(name, id), errorName, "")
	}
	wantError(t, create("alias/y", aws.String("alias/a")), "NotFoundException", "Invalid keyId")

	list := func(key *string) (names []string) {
		for _, a := range must[*kms.ListAliasesOutput](t)(s.Client.ListAliases(t.Context(), &kms.ListAliasesInput{KeyId: key})).Aliases {
			names = append(names, *a.AliasName)
		}
		return names
	}
	if got := list(nil); !slices.Equal(got, []string{"alias/A_-9", "alias/a", "alias/a/b", "alias/z"}) {
		t.Errorf("all aliases: %v", got)
	}
	if got := list(id); !slices.Equal(got, []string{"alias/A_-9", "alias/a", "alias/a/b"}) {
		t.Errorf("aliases of the key: %v", got)
	}
	for i := range 47 {
		if err := create(fmt.Sprintf("alias/n%d", i), id); err != nil {
			t.Fatal(err)
		}
	}
	wantError(t, create("alias/one-more", id), "LimitExceededException", "50")
	if err := create("alias/one-more", other); err != nil {
		t.Error(err)
	}
}

// Of many who create one alias at a time, one succeeds, and the quota holds.
func TestAliasesAtOnce(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	var mu sync.Mutex
	made := map[string]int{}
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			name := fmt.Sprintf("alias/%d", i%8)
			if _, err := s.Client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: id}); err == nil {
				mu.Lock()
				defer mu.Unlock()
				made[name]++
			}
		})
	}
	wg.Wait()
	for name, n := range made {
		if n != 1 {
			t.Errorf("%s was created %d times", name, n)
		}
	}
	got := must[*kms.ListAliasesOutput](t)(s.Client.ListAliases(t.Context(), &kms.ListAliasesInput{KeyId: id}))
	if len(made) != 8 || len(got.Aliases) != 8 {
		t.Errorf("%d acknowledged, %d listed, want 8", len(made), len(got.Aliases))
	}
}

func TestDeletionWindow(t *testing.T) {
	s := kmstest.Start(t)
	id := createExternal(t, s)
	schedule := func(days int32) (*kms.ScheduleKeyDeletionOutput, error) {
		return s.Client.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: &days})
	}
	for _, days := range []int32{6, 31} {
		_, err := schedule(days)
		wantError(t, err, "ValidationException", "")
	}
	_, err := schedule(0)
	wantError(t, err, "ValidationException", "Member must have value greater than or equal to 1")
	out := must[*kms.ScheduleKeyDeletionOutput](t)(schedule(7))
	if out.KeyState != types.KeyStatePendingDeletion || *out.PendingWindowInDays != 7 || *out.KeyId != *describe(t, s, id).Arn {
		t.Errorf("%+v", out)
	}
	_, err = schedule(7)
	wantError(t, err, "KMSInvalidStateException", "is pending deletion.")
	s.Advance(7 * day)
	_, err = s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: id})
	wantError(t, err, "NotFoundException", "does not exist")
	_, err = s.Client.CancelKeyDeletion(t.Context(), &kms.CancelKeyDeletionInput{KeyId: id})
	wantError(t, err, "NotFoundException", "does not exist")
	if got := must[*kms.ListKeysOutput](t)(s.Client.ListKeys(t.Context(), &kms.ListKeysInput{})); len(got.Keys) != 0 {
		t.Error("a key that is gone is listed")
	}
}
