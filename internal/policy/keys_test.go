package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestConditionKeys(t *testing.T) {
	types := []string{"String", "Bool", "Numeric", "Date", "ARN", "IPAddress"}
	lines := slices.DeleteFunc(strings.Split(conditionKeys, "\n"), func(l string) bool { return l == "" })
	if len(lines) != len(KnownKeys()) {
		t.Errorf("%d lines, %d keys", len(lines), len(KnownKeys()))
	}
	for _, k := range KnownKeys() {
		if !slices.Contains(types, k.Type) {
			t.Errorf("%s is of the type %s", k.Name, k.Type)
		}
		name := k.Name
		if strings.HasSuffix(name, ":") || strings.HasSuffix(name, "/") {
			if findKey(name).origin == listed {
				t.Errorf("%s is known without a name", name)
			}
			name += "a/b:c"
		}
		if found := findKey(strings.ToUpper(name)); found.origin != listed || found.ConditionKey != k || found.name != strings.ToLower(name) {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestFindKey(t *testing.T) {
	for name, want := range map[string]origin{
		"aws:PrincipalTag/Cost:Center": listed, "aws:ResourceTag/a/b": listed, "kms:EncryptionContext:a/b": listed, "kms:EncryptionContext:a:b": listed,
		"kms:RecipientAttestation:PCR0": listed, "sts:RequestContext/identitystore:UserId": listed, "ec2:SourceInstanceARN": listed,
		"token.actions.githubusercontent.com:sub": provided, "localhost:8080/oidc:aud": provided, "saml:aud": provided, "s3:prefix": provided,
		"": provided, "aws": unknown, "aws:": unknown, "aws:PrincipalTag": unknown, "aws:PrincipalTag/": unknown, "aws:principaltag:a": unknown,
		"kms:EncryptionContext": unknown, "kms:EncryptionContext/a": unknown, "kms:EncryptionContextKey": unknown, "kms:Nothing": unknown, "sts:Nothing/a": unknown,
	} {
		if got := findKey(name); got.origin != want {
			t.Errorf("%q: %v, want %v", name, got.origin, want)
		}
	}
}
