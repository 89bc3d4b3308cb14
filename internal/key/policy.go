package key

import (
	"errors"
	"reflect"

	"github.com/go-json-experiment/json"
)

// DefaultPolicyName is the only name that a key policy can have.
const DefaultPolicyName = "default"

// MaxPolicySize is the quota of a key policy, in bytes.
const MaxPolicySize = 32 * 1024

// DefaultPolicy returns the policy of a key that is created without one: it
// gives the account, and so whomever the account's own policies allow, full
// access. Source: "Default key policy" in the developer guide.
func DefaultPolicy(account string) string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::` + account + `:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
}

// CheckPolicy tells whether a key of the account may have the policy: nil or an
// Error. It looks at the form of the document and, unless bypassLockout is set,
// at whether the account could replace the policy again. It decides nothing else
// of what the policy means.
func CheckPolicy(document, account string, bypassLockout bool) error {
	if len(document) > MaxPolicySize {
		return Errorf(KindLimitExceeded, "A key policy can have at most %d bytes.", MaxPolicySize)
	}
	p, err := parsePolicy(document)
	if err != nil {
		return Errorf(KindMalformedPolicyDocument, "The key policy is not a JSON object.").Because(err)
	}
	statements := p["Statement"].([]any)
	if len(statements) == 0 {
		return Errorf(KindMalformedPolicyDocument, "The key policy has no statement.")
	}
	for _, s := range statements {
		if problem := malformed(s); problem != "" {
			return Errorf(KindMalformedPolicyDocument, "The key policy has a statement %s.", problem)
		}
	}
	if !bypassLockout && locksOut(statements, account) {
		return Errorf(KindMalformedPolicyDocument, "The new key policy will not allow you to update the key policy in the future.")
	}
	return nil
}

// MeansDefaultPolicy reports whether a policy that CheckPolicy passed says what
// the default one of the account says; Id and Sid are names and mean nothing.
func MeansDefaultPolicy(document, account string) bool {
	if document == DefaultPolicy(account) {
		return true
	}
	given, err := parsePolicy(document)
	def, _ := parsePolicy(DefaultPolicy(account))
	return err == nil && reflect.DeepEqual(given, def)
}

// parsePolicy returns the document without its names, and with its Statement as
// a list, which may be written as one object.
func parsePolicy(document string) (map[string]any, error) {
	var p map[string]any
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		return nil, err
	}
	if p == nil {
		return nil, errors.New("it is null")
	}
	delete(p, "Id")
	statements, ok := p["Statement"].([]any)
	if !ok {
		statements = []any{p["Statement"]}
	}
	for _, s := range statements {
		if s, ok := s.(map[string]any); ok {
			delete(s, "Sid")
		}
	}
	p["Statement"] = statements
	return p, nil
}
