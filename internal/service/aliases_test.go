package service_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

const (
	arnPrefix     = "arn:aws:kms:us-east-1:" + kmstest.Account + ":"
	foreignPrefix = "arn:aws:kms:us-east-1:444455556666:"
	absentKey     = "00000000-0000-4000-8000-000000000000"
)

// once stops the client from retrying after a throttling error.
func once(o *kms.Options) { o.RetryMaxAttempts = 1 }

func createGenerated(t *testing.T, s *kmstest.Server) *string {
	t.Helper()
	return must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{})).KeyMetadata.KeyId
}

func createAlias(t *testing.T, s *kmstest.Server, name string, id *string) error {
	t.Helper()
	_, err := s.Client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: id}, once)
	return err
}

func updateAlias(t *testing.T, s *kmstest.Server, name, id string) error {
	t.Helper()
	_, err := s.Client.UpdateAlias(t.Context(), &kms.UpdateAliasInput{AliasName: &name, TargetKeyId: &id}, once)
	return err
}

func deleteAlias(t *testing.T, s *kmstest.Server, name string) error {
	t.Helper()
	_, err := s.Client.DeleteAlias(t.Context(), &kms.DeleteAliasInput{AliasName: &name}, once)
	return err
}

// mustSucceed ends the test at the first error.
func mustSucceed(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func schedule(t *testing.T, s *kmstest.Server, id *string) {
	t.Helper()
	must[*kms.ScheduleKeyDeletionOutput](t)(s.Client.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: id, PendingWindowInDays: aws.Int32(7)}))
}

func disable(t *testing.T, s *kmstest.Server, id *string) {
	t.Helper()
	must[*kms.DisableKeyOutput](t)(s.Client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: id}))
}

// aliasesOf returns the names of a key's aliases, or of all aliases if id is nil.
func aliasesOf(t *testing.T, s *kmstest.Server, id *string) (names []string) {
	t.Helper()
	for _, a := range must[*kms.ListAliasesOutput](t)(s.Client.ListAliases(t.Context(), &kms.ListAliasesInput{KeyId: id, Limit: aws.Int32(100)})).Aliases {
		names = append(names, *a.AliasName)
	}
	return names
}

func aliasEntry(t *testing.T, s *kmstest.Server, name string) types.AliasListEntry {
	t.Helper()
	all := must[*kms.ListAliasesOutput](t)(s.Client.ListAliases(t.Context(), &kms.ListAliasesInput{})).Aliases
	i := slices.IndexFunc(all, func(a types.AliasListEntry) bool { return *a.AliasName == name })
	if i < 0 {
		t.Fatalf("%s is not listed", name)
	}
	return all[i]
}

func TestUpdateAlias(t *testing.T) {
	s := kmstest.Start(t)
	first, second := createGenerated(t, s), createGenerated(t, s)
	mustSucceed(t, createAlias(t, s, "alias/app", first), createAlias(t, s, "alias/stays", first))
	before := aliasEntry(t, s, "alias/app")
	old := encrypt(t, s, aws.String("alias/app"), "hello")
	s.Advance(time.Hour)
	mustSucceed(t, updateAlias(t, s, "alias/app", *second))

	after := aliasEntry(t, s, "alias/app")
	if *after.TargetKeyId != *second || !after.CreationDate.Equal(*before.CreationDate) || after.LastUpdatedDate.Sub(*before.LastUpdatedDate) < time.Hour || *after.AliasArn != *before.AliasArn {
		t.Errorf("from %+v to %+v", before, after)
	}
	if got := describe(t, s, aws.String("alias/app")); *got.KeyId != *second {
		t.Errorf("the alias describes %s", *got.KeyId)
	}
	for id, want := range map[*string][]string{first: {"alias/stays"}, second: {"alias/app"}, nil: {"alias/app", "alias/stays"}} {
		if got := aliasesOf(t, s, id); !slices.Equal(got, want) {
			t.Errorf("aliases of %s: %v, want %v", aws.ToString(id), got, want)
		}
	}
	for id, blob := range map[*string][]byte{first: old, second: encrypt(t, s, aws.String("alias/app"), "hello")} {
		if got := must[*kms.DecryptOutput](t)(s.Client.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob})); *got.KeyId != arnPrefix+"key/"+*id {
			t.Errorf("decrypted under %s, want %s", *got.KeyId, *id)
		}
	}
	mustSucceed(t, updateAlias(t, s, "alias/app", *second)) // the alias already belongs to this key
	if got := aliasesOf(t, s, second); !slices.Equal(got, []string{"alias/app"}) {
		t.Errorf("aliases of the second key: %v", got)
	}
}

func TestUpdateAliasRefusals(t *testing.T) {
	s := kmstest.Start(t)
	id, other, doomed := createGenerated(t, s), createExternal(t, s), createGenerated(t, s)
	mustSucceed(t, createAlias(t, s, "alias/app", id), createAlias(t, s, "alias/other", other))
	schedule(t, s, doomed)
	for _, c := range []struct{ name, alias, target, errorName, part string }{
		{"an unknown alias", "alias/none", *other, "NotFoundException", "Alias " + arnPrefix + "alias/none is not found."},
		{"no prefix", "app", *other, "ValidationException", "alias/"},
		{"the reserved prefix", "alias/aws/app", *other, "InvalidAliasNameException", ""},
		{"an ARN", arnPrefix + "alias/app", *other, "ValidationException", "alias/"},
		{"a character too many", "alias/a pp", *other, "ValidationException", ""},
		{"an alias as target", "alias/app", "alias/other", "NotFoundException", "Invalid keyId"},
		{"an alias ARN as target", "alias/app", arnPrefix + "alias/other", "InvalidArnException", "Key Aliases are not supported"},
		{"an unknown target", "alias/app", absentKey, "NotFoundException", "does not exist"},
		{"a target of another account", "alias/app", foreignPrefix + "key/" + *other, "AccessDeniedException", "kms:UpdateAlias"},
		{"a target of another Region", "alias/app", "arn:aws:kms:eu-west-1:111122223333:key/" + *other, "NotFoundException", "Invalid arn eu-west-1"},
		{"a target pending deletion", "alias/app", *doomed, "KMSInvalidStateException", *doomed + " is pending deletion."},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, updateAlias(t, s, c.alias, c.target), c.errorName, c.part)
			if got := aliasesOf(t, s, id); !slices.Equal(got, []string{"alias/app"}) {
				t.Errorf("aliases of the key: %v", got)
			}
		})
	}
}

// UpdateAlias ignores the state of the old key. It rejects a new key only if the key is pending
// deletion.
func TestUpdateAliasInStates(t *testing.T) {
	s := kmstest.Start(t)
	doomed, disabled, empty := createGenerated(t, s), createGenerated(t, s), createExternal(t, s)
	mustSucceed(t, createAlias(t, s, "alias/app", doomed))
	schedule(t, s, doomed)
	disable(t, s, disabled)
	for _, id := range []*string{disabled, empty, disabled} {
		mustSucceed(t, updateAlias(t, s, "alias/app", *id))
		if got := describe(t, s, aws.String("alias/app")); *got.KeyId != *id {
			t.Errorf("the alias is on %s", *got.KeyId)
		}
	}
	wantError(t, updateAlias(t, s, "alias/app", *doomed), "KMSInvalidStateException", "is pending deletion.")
}

func TestAliasQuota(t *testing.T) {
	s := kmstest.Start(t)
	full, other := createExternal(t, s), createExternal(t, s)
	for i := range 50 {
		mustSucceed(t, createAlias(t, s, fmt.Sprint("alias/", i), full))
	}
	mustSucceed(t, createAlias(t, s, "alias/other", other))
	wantError(t, updateAlias(t, s, "alias/other", *full), "LimitExceededException", "50")
	if got := aliasesOf(t, s, other); !slices.Equal(got, []string{"alias/other"}) {
		t.Errorf("the refused alias: %v", got)
	}
	mustSucceed(t, updateAlias(t, s, "alias/7", *full)) // the alias already belongs to this key

	mustSucceed(t, updateAlias(t, s, "alias/7", *other)) // makes room for one alias
	mustSucceed(t, updateAlias(t, s, "alias/other", *full))
	wantError(t, createAlias(t, s, "alias/more", full), "LimitExceededException", "50")
	mustSucceed(t, deleteAlias(t, s, "alias/8")) // makes room for one alias
	mustSucceed(t, createAlias(t, s, "alias/more", full))
	wantError(t, createAlias(t, s, "alias/8", full), "LimitExceededException", "50")
	if got := len(aliasesOf(t, s, full)); got != 50 {
		t.Errorf("%d aliases", got)
	}
}

func TestDeleteAlias(t *testing.T) {
	s := kmstest.Start(t)
	generated, disabled, empty, doomed := createGenerated(t, s), createGenerated(t, s), createExternal(t, s), createGenerated(t, s)
	keys := map[string]*string{"alias/generated": generated, "alias/disabled": disabled, "alias/empty": empty, "alias/doomed": doomed}
	for name, id := range keys {
		mustSucceed(t, createAlias(t, s, name, id))
	}
	disable(t, s, disabled)
	schedule(t, s, doomed)
	for name, id := range keys {
		mustSucceed(t, deleteAlias(t, s, name))
		wantError(t, deleteAlias(t, s, name), "NotFoundException", "Alias "+arnPrefix+name+" is not found.")
		_, err := s.Client.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &name})
		wantError(t, err, "NotFoundException", "is not found")
		describe(t, s, id)
	}
	if got := aliasesOf(t, s, nil); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	for _, name := range []string{"generated", "alias/aws/x", "alias/a:b", arnPrefix + "alias/generated"} {
		want := "ValidationException"
		if name == "alias/aws/x" {
			want = "InvalidAliasNameException"
		}
		wantError(t, deleteAlias(t, s, name), want, "alias")
	}
	wantError(t, deleteAlias(t, s, ""), "ValidationException", "")
	mustSucceed(t, createAlias(t, s, "alias/doomed", generated)) // the name is free again
}

// After its deletion date, a key and its aliases do not exist for any caller.
func TestAliasesOfAKeyThatIsGone(t *testing.T) {
	s := kmstest.Start(t)
	doomed, id := createGenerated(t, s), createGenerated(t, s)
	mustSucceed(t, createAlias(t, s, "alias/a", doomed), createAlias(t, s, "alias/b", doomed), createAlias(t, s, "alias/c", id))
	schedule(t, s, doomed)
	s.Advance(7*day - time.Minute)
	wantError(t, createAlias(t, s, "alias/a", id), "AlreadyExistsException", "")
	s.Advance(time.Minute)

	if got := aliasesOf(t, s, nil); !slices.Equal(got, []string{"alias/c"}) {
		t.Errorf("listed: %v", got)
	}
	const notFound = "Alias " + arnPrefix + "alias/a is not found."
	_, err := s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: aws.String("alias/a"), Plaintext: []byte("x")})
	wantError(t, err, "NotFoundException", notFound)
	wantError(t, updateAlias(t, s, "alias/a", *id), "NotFoundException", notFound)
	wantError(t, deleteAlias(t, s, "alias/a"), "NotFoundException", notFound)
	_, err = s.Client.ListAliases(t.Context(), &kms.ListAliasesInput{KeyId: doomed})
	wantError(t, err, "NotFoundException", "does not exist")

	mustSucceed(t, createAlias(t, s, "alias/a", id))
	if got := describe(t, s, aws.String("alias/a")); *got.KeyId != *id {
		t.Errorf("the new alias is on %s", *got.KeyId)
	}
	if got := aliasesOf(t, s, id); !slices.Equal(got, []string{"alias/a", "alias/c"}) {
		t.Errorf("aliases of the other key: %v", got)
	}
}
