package policy

import (
	"strings"
	"testing"
)

func TestLocksOut(t *testing.T) {
	replace := func(statement string) string { return strings.ReplaceAll(statement, "kms:Decrypt", "kms:PutKeyPolicy") }
	for _, test := range []struct {
		statements string
		who        Principal
		want       bool
	}{
		{toAccount, root, false},
		{toAccount, alice, false}, // a policy of the user may allow it
		{toAlice, alice, false},
		{toAlice, root, true},
		{toAlice, session, true},
		{toRole, session, false},
		{toAll, root, false},
		{toBob, root, true},
		{toBob, bob, false},
		{toAccount + "|" + notToAlice, alice, true},
		{toAccount + "|" + notToAlice, root, false},
		{toAccount + "|" + notToOwner, root, true},
		{toAccount + `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`, root, false},
		{toAccount + `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}`, root, true},
		{toAccount + `|"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}`, root, false},
		{strings.Replace(toAccount, `,"Resource":"*"`, "", 1), root, true},
		{strings.Replace(toAccount, "Decrypt", "GetKeyPolicy", 1), root, true},
	} {
		p := mustParse(t, document(strings.Split(replace(test.statements), "|")...), KeyPolicy)
		r := ask(test.who, "kms:CreateKey")
		r.Values = values{"aws:securetransport": {"true"}}
		if got := LocksOut(p, r); got != test.want {
			t.Errorf("%s: %v, want %v: %s", test.who.ARN, got, test.want, test.statements)
		}
		if got, ok := LocksOutQuickly(p, r); !ok || got != test.want {
			t.Errorf("%s, quickly: %v, %v: %s", test.who.ARN, got, ok, test.statements)
		}
	}
}

// LocksOutQuickly returns no answer for a policy whose conditions take long.
func TestLocksOutSlowly(t *testing.T) {
	slow := strings.ReplaceAll(toAll, "kms:Decrypt", "kms:PutKeyPolicy")
	p := mustParse(t, document(strings.Split(strings.Repeat(slow+`,"Condition":{"StringEqualsIgnoreCase":{"aws:UserAgent":"x"}}|`, 100)+slow, "|")...), KeyPolicy)
	r := ask(root, "kms:CreateKey")
	r.Values = values{"aws:useragent": {strings.Repeat("a", 8000)}}
	if _, ok := LocksOutQuickly(p, r); ok {
		t.Error("got a quick answer")
	}
}
