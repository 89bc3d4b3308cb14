package policy

import (
	"reflect"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
)

// decideBoth decides a request, and checks that the explanation has the same decision.
func decideBoth(t *testing.T, r Request, d Documents, grants ...key.Grant) Decision {
	t.Helper()
	got := Decide(r, d, grants)
	e := Explain(r, d, grants)
	if e.Decision != got {
		t.Errorf("decided %+v, explained %+v", got, e.Decision)
	}
	checkSource(t, e)
	return got
}

// checkSource checks that the explanation contains the source of the decision, and that this matched.
func checkSource(t *testing.T, e Explanation) {
	t.Helper()
	if e.By == (Source{}) {
		return
	}
	for _, g := range e.Grants {
		if g.ID == e.By.Grant && g.Allowed {
			return
		}
	}
	for _, d := range e.Documents {
		for _, s := range d.Statements {
			if s.Matched && (s.Effect == "Deny") == e.Explicit && e.By == (Source{Role: d.Role, Document: d.Name, Sid: s.Sid, Index: s.Index, Line: s.Line, Column: s.Column}) {
				return
			}
		}
	}
	t.Errorf("no such statement or grant in the explanation: %+v", e.By)
}

func TestExplain(t *testing.T) {
	d := Documents{
		Resource: keyPolicy(t,
			`"Sid":"who","Effect":"Allow","Principal":{"AWS":"`+bobARN+`"},"Action":"kms:*","Resource":"*"`,
			`"Sid":"what","Effect":"Allow","Principal":"*","NotAction":"kms:Decrypt","Resource":"*"`,
			`"Sid":"where","Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"arn:aws:kms:*:*:key/other"`,
			`"Sid":"idle","Effect":"Allow","Principal":"*","Action":"kms:*"`,
			`"Sid":"when","Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":{
				"StringEquals":{"kms:EncryptionContext:a":["1","2"]},"Bool":{"kms:Typo":true},"StringLik":{"aws:username":"a*"},"StringLike":{"aws:TagKeys":"*"},"Null":{"aws:TokenIssueTime":"true"}}`,
			`"Sid":"root","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"`),
	}
	r := ask(alice, "kms:Decrypt")
	r.Values = values{"kms:encryptioncontext:a": {"3"}, "aws:tagkeys": {"x", "y"}}
	grants := []key.Grant{
		{ID: "g1", Grantee: bobARN, Operations: []string{"Decrypt"}},
		{ID: "g2", Grantee: aliceARN, Operations: []string{"Encrypt"}},
		{ID: "g3", Grantee: aliceARN, Operations: []string{"Decrypt"}},
	}
	e := Explain(r, d, grants)
	if e.Decision != (Decision{Allowed: true, By: Source{Grant: "g3"}}) {
		t.Errorf("%+v", e.Decision)
	}
	missed := map[string]string{}
	for _, s := range e.Documents[0].Statements {
		missed[s.Sid] = s.Missed
	}
	if want := (map[string]string{"who": "Principal", "what": "NotAction", "where": "Resource", "idle": "Resource", "when": "Condition", "root": ""}); !reflect.DeepEqual(missed, want) {
		t.Errorf("missed %v, want %v", missed, want)
	}
	if want := []ExplainedCondition{
		{"StringEquals", "kms:EncryptionContext:a", []string{"1", "2"}, []string{"3"}, false, ""},
		{"Bool", "kms:Typo", []string{"true"}, nil, false, "unknown condition key"},
		{"StringLik", "aws:username", []string{"a*"}, nil, false, "unknown operator"},
		{"StringLike", "aws:TagKeys", []string{"*"}, []string{"x", "y"}, false, "several values, but the operator is for one"},
		{"Null", "aws:TokenIssueTime", []string{"true"}, nil, true, ""},
	}; !reflect.DeepEqual(e.Documents[0].Statements[4].Conditions, want) {
		t.Errorf("%+v", e.Documents[0].Statements[4].Conditions)
	}
	if want := []ExplainedGrant{{"g1", false, "GranteePrincipal"}, {"g2", false, "Operations"}, {"g3", true, ""}}; !reflect.DeepEqual(e.Grants, want) {
		t.Errorf("%+v", e.Grants)
	}
}

// The explanation of an unclear condition with one value does not claim that there were several.
func TestUnclearByAVariable(t *testing.T) {
	text := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*",` +
		`"Condition":{"StringEquals":{"aws:username":"${aws:SourceVpc}"}}}}`
	r := ask(alice, "kms:Decrypt")
	r.Values = values{"aws:username": {"alice"}, "aws:sourcevpc": {"vpc-1", "vpc-2"}}
	e := Explain(r, Documents{Resource: Document{"key", mustParse(t, text, KeyPolicy)}}, nil)
	want := "a variable with several values, or a comparison beyond the work limit"
	if got := e.Documents[0].Statements[0].Conditions; len(got) != 1 || got[0].Problem != want {
		t.Errorf("%+v", got)
	}
}

func TestDecideAllocatesNothing(t *testing.T) {
	d := Documents{Resource: Document{"key", mustParse(t, tenStatements(), KeyPolicy)}}
	r := ask(alice, "kms:Encrypt")
	r.Values = values{"kms:encryptioncontext:department": {"IT"}}
	if n := testing.AllocsPerRun(100, func() { Decide(r, d, nil) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// exactly lists the policies of the benchmark that are decided within the work limit.
const exactly = ", equal variables, variables, set of strings, set of numbers, set of variables, resources, principals, "

// TestWorst decides by the policies of the benchmark. A policy that exceeds the work limit denies.
func TestWorst(t *testing.T) {
	for name, text := range worst(t) {
		got := decideBoth(t, worstRequest(), Documents{Resource: Document{"key", mustParse(t, text, KeyPolicy)}})
		if want := !strings.Contains(exactly, ", "+name+", "); got.Explicit != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
