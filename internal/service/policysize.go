package service

import (
	"strings"
	"unicode"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

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

// checkDocument holds a policy to the language.
func checkDocument(text string, kind policy.Type) error {
	p, err := policy.Parse(text, kind)
	if err != nil {
		return key.Errorf(key.KindMalformedPolicyDocument, "%v", err)
	}
	return checkConditions(p)
}

// checkConditions holds a policy that is to be stored to a number of conditions.
func checkConditions(p *policy.Policy) error {
	if n := p.Conditions(); n > policy.MaxConditions {
		return key.Errorf(key.KindMalformedPolicyDocument, "The policy has %d conditions, and can have %d.", n, policy.MaxConditions)
	}
	return nil
}

// checkDocumentSize also holds it to a size.
func checkDocumentSize(text string, kind policy.Type, most int) error {
	if size := policySize(text); size > most {
		return key.Errorf(key.KindLimitExceeded, "The policy has %d characters, and can have %d.", size, most)
	}
	return checkDocument(text, kind)
}
