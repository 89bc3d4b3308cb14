package policy

import (
	"fmt"
	"strings"
	"testing"
)

// costlyStatement returns a statement that spends almost all work of a decision, first in large steps and then in small
// ones. It allows nothing.
func costlyStatement() string {
	large := `{"StringEqualsIgnoreCase":{"kms:EncryptionContext:wide":"x"}}`
	small := `{"StringEquals":{"kms:ViaService":"x"}}`
	const head = `"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":`
	return strings.Repeat(head+large+"},{", maxWork/(foldCost*8000)+1) + strings.Repeat(head+small+"},{", foldCost*8000/askCost+100) + head + small
}

// A statement whose resources need more work than is left never allows and always denies, in both forms of the
// element.
func TestResourcesBeyondTheBound(t *testing.T) {
	const allow = `"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"kms:*","Resource":"*"`
	r := ask(alice, "kms:Encrypt")
	r.Values = values{"kms:encryptioncontext:wide": {strings.Repeat("Σ", 4000)}, "aws:username": {"alice"}}
	for name, test := range map[string]struct {
		resources       string
		matches, beyond bool // matches without the costly statement; exceeds the limit with it
	}{
		"a variable that matches":     {`"Resource":"arn:aws:kms:*:*:*${aws:username, 'key'}*"`, false, true},
		"a variable without a match":  {`"Resource":"arn:aws:kms:*:*:alias/${aws:username}"`, false, true},
		"NotResource, and a variable": {`"NotResource":"arn:aws:kms:*:*:alias/${aws:username}"`, true, true},
		"NotResource that matches":    {`"NotResource":["*","arn:aws:kms:*:*:alias/${aws:username}"]`, false, false},
		"everything":                  {`"Resource":["arn:aws:kms:*:*:alias/${aws:username}","*"]`, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			deny := `"Effect":"Deny","Principal":"*","Action":"kms:*",` + test.resources
			alone := decideBoth(t, r, Documents{Resource: keyPolicy(t, allow, deny)})
			if alone.Explicit != test.matches {
				t.Errorf("alone: %+v", alone)
			}
			burnt := decideBoth(t, r, Documents{Resource: keyPolicy(t, costlyStatement(), allow, deny)})
			if want := test.matches || test.beyond; burnt.Explicit != want || burnt.Allowed == want {
				t.Errorf("beyond the bound: %+v", burnt)
			}
			permit := strings.Replace(deny, "Deny", "Allow", 1)
			if got := decideBoth(t, r, Documents{Resource: keyPolicy(t, costlyStatement(), permit)}); got.Allowed != (test.matches && !test.beyond) {
				t.Errorf("an Allow beyond the bound: %+v", got)
			}
		})
	}
}

// Conditions beyond the limit are unclear too. Conditions that cost almost nothing are evaluated nevertheless.
func TestConditionsBeyondTheBound(t *testing.T) {
	const allow = `"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"kms:*","Resource":"*"`
	r := ask(alice, "kms:Encrypt")
	r.Values = values{"kms:encryptioncontext:wide": {strings.Repeat("Σ", 4000)}, "aws:username": {"alice"}}
	const other = `"Condition":{"StringEquals":{"aws:username":"bob"}}`
	if got := decideBoth(t, r, Documents{Resource: keyPolicy(t, costlyStatement(), allow)}); !got.Allowed {
		t.Errorf("a statement without conditions does not count: %+v", got)
	}
	if got := decideBoth(t, r, Documents{Resource: keyPolicy(t, allow, `"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",`+other)}); !got.Allowed {
		t.Errorf("alone: %+v", got)
	}
	if got := decideBoth(t, r, Documents{Resource: keyPolicy(t, costlyStatement(), allow, `"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*",`+other)}); !got.Explicit {
		t.Errorf("beyond the bound: %+v", got)
	}
	if got := decideBoth(t, r, Documents{Resource: keyPolicy(t, costlyStatement(), allow, `"Effect":"Deny","Principal":"*","Action":"kms:Sign","Resource":"*",`+other)}); !got.Allowed {
		t.Errorf("a Deny of another action: %+v", got)
	}
	if got, ok := DecideQuickly(r, Documents{Resource: keyPolicy(t, costlyStatement(), allow)}, nil); ok {
		t.Errorf("it was decided quickly: %+v", got)
	}
	if got, ok := DecideQuickly(r, Documents{Resource: keyPolicy(t, allow)}, nil); !ok || !got.Allowed {
		t.Errorf("an ordinary policy is not decided quickly: %+v, %v", got, ok)
	}
	conditional := keyPolicy(t, `"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",`+strings.Replace(other, "bob", "alice", 1))
	if got, ok := DecideQuickly(r, Documents{Resource: conditional}, nil); !ok || !got.Allowed {
		t.Errorf("a policy with a condition is not decided quickly: %+v, %v", got, ok)
	}
}

// A variable with a key for one value is unclear if the request has several values. A variable with a key for
// several values has no value. A match of another string decides.
func TestVariablesWithSeveralValues(t *testing.T) {
	r := ask(alice, "kms:Encrypt")
	r.Values = values{"aws:requesttag/a": {"x", "y"}, "aws:username": {"alice"}, "aws:tagkeys": {"x", "y"}, "kms:encryptioncontext:b": {"x"}, "kms:encryptioncontextkeys": {"x", "z"}}
	for condition, want := range map[string]outcome{
		`{"StringEquals":{"aws:username":"${aws:RequestTag/a}"}}`:                                        unclear,
		`{"StringNotEquals":{"aws:username":"${aws:RequestTag/a}"}}`:                                     unclear,
		`{"StringLike":{"aws:username":["${aws:RequestTag/a}*","al*"]}}`:                                 yes,
		`{"StringEquals":{"aws:username":["${aws:RequestTag/a}","${aws:username}"]}}`:                    yes,
		`{"StringEquals":{"aws:username":"${aws:TagKeys}"}}`:                                             no,
		`{"StringEquals":{"aws:username":"${aws:RequestTag/a}${aws:none}"}}`:                             no,
		`{"StringEquals":{"aws:username":"${aws:RequestTag/a, 'alice'}"}}`:                               unclear,
		`{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"${aws:RequestTag/a}"}}`:               unclear,
		`{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":["${aws:RequestTag/a}","z"]}}`:         yes,
		`{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":"${kms:EncryptionContext:b}"}}`:        yes,
		`{"ForAllValues:StringLike":{"kms:EncryptionContextKeys":["${kms:EncryptionContext:b}","?"]}}`:   yes,
		`{"ForAllValues:StringEquals":{"kms:EncryptionContextKeys":"${kms:EncryptionContext:b}"}}`:       no,
		`{"ForAllValues:StringEqualsIgnoreCase":{"kms:EncryptionContextKeys":["${aws:none, 'Z'}","X"]}}`: yes,
		`{"ForAllValues:StringLike":{"kms:EncryptionContextKeys":"${kms:EncryptionContext:b}*"}}`:        no,
	} {
		rest := `,"Principal":"*","Action":"kms:*","Resource":"*","Condition":` + condition
		allowed := decideBoth(t, r, Documents{Resource: keyPolicy(t, `"Effect":"Allow"`+rest)}).Allowed
		denied := decideBoth(t, r, Documents{Resource: keyPolicy(t, `"Effect":"Deny"`+rest)}).Explicit
		if allowed != (want == yes) || denied != (want != no) {
			t.Errorf("%s: allows %v, denies %v", condition, allowed, denied)
		}
	}
}

// The estimated cost of a comparison grows with the text and with the values in the condition, and includes the
// fixed cost of the comparison.
func TestCostGrows(t *testing.T) {
	compile := func(operator string, values int) condition {
		var all []string
		for i := range values {
			all = append(all, fmt.Sprintf(`"%s"`, strings.NewReplacer("#", fmt.Sprint(i)).Replace(map[string]string{
				"NumericEquals": "#", "DateEquals": "20#0-01-01", "IpAddress": "10.#.0.0/16", "BinaryEquals": "AAA#",
			}[operator])))
			if all[i] == `""` {
				all[i] = fmt.Sprintf(`"%*da*b"`, 3, i)
			}
		}
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"` +
			operator + `":{"kms:ViaService":[` + strings.Join(all, ",") + `]}}}]}`
		return mustParse(t, text, KeyPolicy).statements[0].conditions[0]
	}
	for _, operator := range []string{"StringEquals", "StringLike", "StringEqualsIgnoreCase", "ArnLike", "NumericEquals", "DateEquals", "IpAddress", "BinaryEquals", "Bool"} {
		few, many := compile(operator, 1), compile(operator, 9)
		reckon := func(c condition, length int) int { return c.wanted.cost(c.operator, length) }
		for _, length := range []int{0, 1, 100, 4000} {
			if reckon(few, 2*length+16) < reckon(few, length) || reckon(many, length) < reckon(few, length) {
				t.Errorf("%s: a text of %d bytes costs %d, twice of it %d, and with more values %d", operator, length, reckon(few, length), reckon(few, 2*length+16), reckon(many, length))
			}
			if all := few.wanted.strings.cost(length); few.wanted.strings.globs != nil && reckon(few, length) < all {
				t.Errorf("%s: a text of %d bytes costs %d, its patterns alone %d", operator, length, reckon(few, length), all)
			}
		}
	}
	folded, exact := compile("StringEqualsIgnoreCase", 1), compile("StringEquals", 1)
	for _, length := range []int{1, 1000} {
		if least := foldCost*length + exact.wanted.strings.cost(length); folded.wanted.cost(folded.operator, length) < least {
			t.Errorf("to fold and compare %d bytes costs less than %d", length, least)
		}
	}
}
