package service_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/kmstest"
)

// A policy that lets alice decrypt and leaves the rest to the root, in a form that
// nobody would print it in.
const alicesPolicy = "\t{ \"Version\":\"2012-10-17\",\r\n\"Statement\":[{\"Sid\":\"é §\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}," +
	`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"kms:Decrypt","Resource":"*"}]}   `

// Under this one only alice may replace it.
const lockingPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"kms:*","Resource":"*"}}`

func policyOf(t *testing.T, s *kmstest.Server, id *string) string {
	t.Helper()
	out := must[*kms.GetKeyPolicyOutput](t)(s.Client.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: id}))
	if *out.PolicyName != "default" {
		t.Errorf("the policy has the name %s", *out.PolicyName)
	}
	return *out.Policy
}

func TestPoliciesReadBack(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	if got := policyOf(t, s, id); got != key.DefaultPolicy(kmstest.Account) {
		t.Errorf("a key that was given no policy has %s", got)
	}
	put := func(policy string) {
		t.Helper()
		must[*kms.PutKeyPolicyOutput](t)(s.Client.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: id, Policy: &policy, PolicyName: aws.String("default")}))
		if got := policyOf(t, s, id); got != policy {
			t.Errorf("got  %q\nwant %q", got, policy)
		}
	}
	put(alicesPolicy)
	put(" " + key.DefaultPolicy(kmstest.Account) + "\n")
	largest := alicesPolicy + strings.Repeat(" ", key.MaxPolicySize-len(alicesPolicy))
	put(largest)
	created := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: aws.String(alicesPolicy)})).KeyMetadata.KeyId
	if got := policyOf(t, s, created); got != alicesPolicy {
		t.Errorf("a key that was created with a policy has %q", got)
	}
	names := must[*kms.ListKeyPoliciesOutput](t)(s.Client.ListKeyPolicies(t.Context(), &kms.ListKeyPoliciesInput{KeyId: id, Limit: aws.Int32(1)}))
	if !slices.Equal(names.PolicyNames, []string{"default"}) || names.Truncated || names.NextMarker != nil {
		t.Errorf("%+v", names)
	}
}

func TestPolicyRefusals(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	for _, c := range []struct {
		name, policy, policyName, errorName, part string
	}{
		{"text", "allow me", "default", "MalformedPolicyDocumentException", "not a JSON object"},
		{"no principal", `{"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`, "default", "MalformedPolicyDocumentException", "without a Principal"},
		{"one that locks out", lockingPolicy, "default", "MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future."},
		{"over 32 KiB", alicesPolicy + strings.Repeat(" ", key.MaxPolicySize), "default", "LimitExceededException", "32768"},
		{"characters beyond Latin-1", strings.Replace(alicesPolicy, "§", "☃", 1), "default", "ValidationException", "'policy'"},
		{"nothing", "", "default", "ValidationException", "'policy'"},
		{"another name", alicesPolicy, "mine", "NotFoundException", "No such policy exists"},
		{"a name with a dash", alicesPolicy, "my-own", "ValidationException", "'policyName'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := s.Client.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: id, Policy: &c.policy, PolicyName: &c.policyName}, once)
			wantError(t, err, c.errorName, c.part)
			if got := policyOf(t, s, id); got != key.DefaultPolicy(kmstest.Account) {
				t.Errorf("the refused policy left %q", got)
			}
			if c.policyName == "default" {
				_, err = s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: &c.policy}, once)
				wantError(t, err, c.errorName, c.part)
			}
		})
	}
	_, err := s.Client.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: id, PolicyName: aws.String("Default")})
	wantError(t, err, "NotFoundException", "No such policy exists")

	must[*kms.PutKeyPolicyOutput](t)(s.Client.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: id, Policy: aws.String(lockingPolicy), BypassPolicyLockoutSafetyCheck: true}))
	must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Policy: aws.String(lockingPolicy), BypassPolicyLockoutSafetyCheck: true}))
	if got := policyOf(t, s, id); got != lockingPolicy {
		t.Errorf("the check was bypassed, and the policy is %q", got)
	}
}

// openWithLog opens a service that says in the buffer what it has to say.
func openWithLog(t *testing.T, storePolicies bool, text *bytes.Buffer) *service.Service {
	t.Helper()
	d, events := newDeployment(), audit.New(audit.Discard{}, audit.Options{})
	s := must[*service.Service](t)(service.Open(t.Context(), service.Config{
		Backend: d.backend, Slots: d.slots, Root: d.root, Audit: events, Create: true,
		Clock: service.NewClock(time.Now), Log: slog.New(slog.NewTextHandler(text, nil)), StorePolicies: storePolicies,
	}))
	t.Cleanup(func() { good(t, events.Close(), s.Close()) })
	return s
}

// Where policies are not enforced they are not taken either,
func TestPoliciesAreRefusedUnlessToldOtherwise(t *testing.T) {
	var text bytes.Buffer
	s := openWithLog(t, false, &text)
	own := strings.Replace(key.DefaultPolicy("111122223333"), "key-default-1", "mine", 1)
	id := must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{Policy: &own})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	must[any](t)(do(s, "PutKeyPolicy", &api.PutKeyPolicyRequest{KeyId: id, Policy: &own}))
	for operation, in := range map[string]any{
		"CreateKey":    &api.CreateKeyRequest{Policy: aws.String(alicesPolicy)},
		"PutKeyPolicy": &api.PutKeyPolicyRequest{KeyId: id, Policy: aws.String(alicesPolicy), BypassPolicyLockoutSafetyCheck: aws.Bool(true)},
	} {
		_, err := do(s, operation, in)
		if e, ok := err.(*key.Error); !ok || e.Kind != key.KindUnsupportedOperation {
			t.Errorf("%s: %v", operation, err)
		}
	}
	if got := must[any](t)(do(s, "GetKeyPolicy", &api.GetKeyPolicyRequest{KeyId: id})).(*api.GetKeyPolicyResponse); *got.Policy != own {
		t.Errorf("the policy is %q", *got.Policy)
	}
	if text.Len() > 0 {
		t.Errorf("the log says %s", &text)
	}
}

// and where they are taken the log says of each that it is not enforced.
func TestStoredPoliciesAreSaidInTheLog(t *testing.T) {
	var text bytes.Buffer
	s := openWithLog(t, true, &text)
	metadata := must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{Policy: aws.String(alicesPolicy)})).(*api.CreateKeyResponse).KeyMetadata
	must[any](t)(do(s, "PutKeyPolicy", &api.PutKeyPolicyRequest{KeyId: metadata.KeyId, Policy: aws.String(alicesPolicy)}))
	want := `level=WARN msg="a key policy was stored that is not enforced yet" key=` + *metadata.Arn
	if got := text.String(); strings.Count(got, want) != 2 || strings.Count(got, "\n") != 2 {
		t.Errorf("the log says %s", got)
	}
	must[any](t)(do(s, "PutKeyPolicy", &api.PutKeyPolicyRequest{KeyId: metadata.KeyId, Policy: aws.String(key.DefaultPolicy("111122223333"))}))
	must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{}))
	if got := text.String(); strings.Count(got, "\n") != 2 {
		t.Errorf("the log says %s", got)
	}
}
