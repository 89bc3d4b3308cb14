package service

import (
	"errors"
	"strings"
	"unicode"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
)

// checkPolicyName refuses all names except the one name that key policies have.
func checkPolicyName(name *string) error {
	if or(name, key.DefaultPolicyName) != key.DefaultPolicyName {
		return key.Errorf(key.KindNotFound, "No such policy exists")
	}
	return nil
}

// checkPolicy checks that a key can have the policy. Unless bypassLockout is set, the policy
// must allow the caller to replace it.
func (c *call) checkPolicy(document string, k key.Key, bypassLockout *bool) error {
	if len(document) > key.MaxPolicySize {
		return key.Errorf(key.KindLimitExceeded, "A key policy can have at most %d bytes.", key.MaxPolicySize)
	}
	p, err := c.readFairly(document)
	if malformed, ok := errors.AsType[*policy.SyntaxError](err); ok {
		return key.Errorf(key.KindMalformedPolicyDocument, "The key policy is malformed: %v", malformed)
	}
	if err != nil {
		return err
	}
	if err := checkConditions(p); err != nil {
		return err
	}
	if err := c.checkPrincipals(p); err != nil {
		return err
	}
	q, err := c.question("kms:PutKeyPolicy", target{ref: referenceTo(k)}, k)
	if err != nil {
		return err
	}
	if or(bypassLockout, false) {
		return nil
	}
	if out, err := c.locksOut(p, q.request); err != nil || out {
		return firstOf(err, key.Errorf(key.KindMalformedPolicyDocument,
			"The new key policy will not allow you to update the key policy in the future."))
	}
	return q.values.err
}

// checkPrincipals requires that the users and roles that a key policy names exist, because a
// later identity of the same name is a different principal. It does not check accounts outside
// this deployment. A policy can name more principals than a transaction can check: the
// transaction's guard covers the identities of the caller's own account; the identities of
// other accounts existed shortly before the commit.
func (c *call) checkPrincipals(p *policy.Policy) error {
	entities := entitiesOf(p)
	if len(entities) == 0 {
		return nil
	}
	from, err := coveredBy(c.source(), records.Accounts, c.Caller.Principal.AccountID)
	if err != nil {
		return err
	}
	for _, named := range entities {
		there, err := c.principalExists(from, named)
		if err != nil {
			return err
		}
		if !there {
			return key.Errorf(key.KindMalformedPolicyDocument,
				"Policy contains a statement with one or more invalid principals.")
		}
	}
	return nil
}

// entitiesOf returns the ARNs of the users and roles that a key policy names.
func entitiesOf(p *policy.Policy) (arns []string) {
	for _, named := range p.Principals() {
		_, kind, _, _, ok := identity.ParseARN(string(named))
		if ok && (kind == "user" || kind == "role") {
			arns = append(arns, string(named))
		}
	}
	return arns
}

func (c *call) principalExists(from source, arn string) (there bool, err error) {
	account, kind, _, name, _ := identity.ParseARN(arn)
	hosted, err := c.hasAccount(from, account)
	if err != nil || !hosted {
		return true, err
	}
	if kind == "user" {
		u, there, err := read(from, records.Users, records.NamedPath(account, name))
		return there && u.ARN() == arn, err
	}
	r, there, err := read(from, records.Roles, records.NamedPath(account, name))
	return there && r.ARN() == arn, err
}

// hasAccount reports whether an account belongs to this deployment.
func (c *call) hasAccount(from source, account string) (bool, error) {
	if account == c.Caller.Principal.AccountID {
		return true, nil
	}
	_, hosted, err := read(from, records.Accounts, account)
	return hosted, err
}

// The largest policies, in characters without white space. Source: "IAM and AWS STS
// quotas", IAM entity character limits.
const (
	maxManagedPolicy = 6144
	maxInlineOfUser  = 2048
	maxInlineOfRole  = 10240
	maxTrustPolicy   = 8192
)

func policySize(document string) int {
	return len(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, document))
}

// checkDocument checks the syntax of a policy and the number of its conditions.
func checkDocument(text string, kind policy.Type) error {
	p, err := policy.Parse(text, kind)
	if err != nil {
		return key.Errorf(key.KindMalformedPolicyDocument, "%v", err)
	}
	return checkConditions(p)
}

// checkConditions limits the number of conditions of a stored policy.
func checkConditions(p *policy.Policy) error {
	if n := p.Conditions(); n > policy.MaxConditions {
		return key.Errorf(key.KindMalformedPolicyDocument,
			"The policy has %d conditions, and can have %d.", n, policy.MaxConditions)
	}
	return nil
}

// checkDocumentSize also checks the size of the policy.
func checkDocumentSize(text string, kind policy.Type, most int) error {
	if size := policySize(text); size > most {
		return key.Errorf(key.KindLimitExceeded, "The policy has %d characters, and can have %d.", size, most)
	}
	return checkDocument(text, kind)
}
