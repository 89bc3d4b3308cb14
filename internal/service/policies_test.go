package service_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/kmstest"
)

// A policy that lets alice decrypt and leaves the rest to the root, with unusual white space,
// which must be preserved.
const alicesPolicy = "\t{ \"Version\":\"2012-10-17\",\r\n\"Statement\":[{\"Sid\":\"é §\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::000000000000:root\"},\"Action\":\"kms:*\",\"Resource\":\"*\"}," +
	`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/alice"},"Action":"kms:Decrypt","Resource":"*"}]}   `

// Under this policy only alice may replace the policy.
const lockingPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/alice"},"Action":"kms:*","Resource":"*"}}`

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
		{"text", "allow me", "default", "MalformedPolicyDocumentException", "malformed"},
		{"no principal", `{"Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`, "default", "MalformedPolicyDocumentException", "Principal"},
		{"one that locks out", lockingPolicy, "default", "MalformedPolicyDocumentException", "The new key policy will not allow you to update the key policy in the future."},
		{"over 32 KiB", alicesPolicy + strings.Repeat(" ", key.MaxPolicySize), "default", "LimitExceededException", "32768"},
		{"too many conditions", conditional(policy.MaxConditions + 1), "default", "MalformedPolicyDocumentException", "1001 conditions, and can have 1000"},
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
	_, err = s.Client.GetKeyPolicy(t.Context(), &kms.GetKeyPolicyInput{KeyId: id}, once)
	wantError(t, err, "AccessDeniedException", "because no resource-based policy allows the kms:GetKeyPolicy action")
}

// conditional returns a key policy with some conditions that no request satisfies.
func conditional(conditions int) string {
	var keys []string
	for i := range conditions {
		keys = append(keys, fmt.Sprintf(`"i.example:%d":"1"`, i))
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + kmstest.Account + `:root"},"Action":"kms:*","Resource":"*"},
		{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{` + strings.Join(keys, ",") + `}}}]}`
}

// The number of conditions in a new policy is limited. Stored policies of older programs may have
// more.
func TestPoliciesWithManyConditions(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	most := conditional(policy.MaxConditions)
	must[*kms.PutKeyPolicyOutput](t)(s.Client.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: id, Policy: &most}))
	if p, err := policy.Parse(conditional(policy.MaxConditions+1), policy.KeyPolicy); err != nil || p.Conditions() != policy.MaxConditions+1 {
		t.Errorf("a stored policy is not read: %v", err)
	}
}

// A policy cannot name a principal that does not exist, because somebody could create that
// principal later.
func TestPoliciesNameWhoIsThere(t *testing.T) {
	s := kmstest.Start(t)
	id := createGenerated(t, s)
	for _, name := range []string{"user/alice", "role/payroll"} {
		policy := strings.Replace(alicesPolicy, "arn:aws:iam::444455556666:user/alice", "arn:aws:iam::000000000000:"+name, 1)
		_, err := s.Client.PutKeyPolicy(t.Context(), &kms.PutKeyPolicyInput{KeyId: id, Policy: &policy}, once)
		wantError(t, err, "MalformedPolicyDocumentException", "one or more invalid principals")
	}
}
