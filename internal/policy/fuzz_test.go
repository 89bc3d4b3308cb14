package policy

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
)

// FuzzParse checks that nothing panics: a policy that parses gives equal decisions and explanations, and an
// error has a position.
func FuzzParse(f *testing.F) {
	f.Add(key.DefaultPolicy(owner), uint8(KeyPolicy))
	f.Add(tenStatements(), uint8(KeyPolicy))
	for _, test := range refusals {
		if len(test.text) < 1000 {
			f.Add(strings.Replace(test.text, "^", "", 1), uint8(test.kind))
		}
	}
	for _, test := range statements {
		f.Add(document(`"Effect":"Allow",`+test.rest), uint8(KeyPolicy))
	}
	for _, test := range conditions {
		f.Add(document(use+`,"Condition":`+test.condition), uint8(IdentityPolicy))
	}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		as := Type(kind % 3)
		p, err := Parse(text, as)
		if err != nil {
			if syntax := (*SyntaxError)(nil); !errors.As(err, &syntax) || syntax.Line < 1 || syntax.Column < 1 || syntax.Problem == "" {
				t.Errorf("an error without a place: %v", err)
			}
			return
		}
		allows := Document{"all", mustParse(t, document(`"Effect":"Allow","Action":"*","Resource":"*"`), IdentityPolicy)}
		d := Documents{Resource: Document{"fuzzed", p}, Identity: []Document{allows}}
		if as == IdentityPolicy {
			d = Documents{Identity: []Document{{"fuzzed", p}}, Boundary: Document{"fuzzed", p}}
		}
		grants := []key.Grant{newGrant(rootARN, key.GrantConstraints{SourceARN: "arn:aws:s3:::b*"})}
		for _, who := range []Principal{root, alice, session, bob, visitor} {
			r := ask(who, "kms:Decrypt")
			r.Values = context
			decideBoth(t, r, d, grants...)
		}
		p.Principals()
		LocksOut(p, ask(alice, ""))
	})
}
