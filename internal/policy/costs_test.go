package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/listtest"
)

// The work of each kind of comparison, and the memory of its policy, are as testdata/costs.txt lists, because limits count them. Run
// the test with KEYHOLD_GOLDEN=1 to write the list again after a deliberate change.
func TestCosts(t *testing.T) {
	const kinds = `
StringEquals | "aaaa"
StringEquals | "aaaa","aaab","aaac","aaad","aaae"
StringEquals | "${kms:EncryptionContext:b}"
StringEquals | "${kms:EncryptionContext:none, 'aaaa'}"
StringEqualsIgnoreCase | "AAAA"
StringEqualsIgnoreCase | "A${kms:EncryptionContext:b}"
StringLike | "a*"
StringLike | "*a?a*","*b?b*"
StringLike | "*${kms:EncryptionContext:b}?*"
StringLike | "${kms:EncryptionContext:b}*"
StringLike | "a${kms:EncryptionContext:b}"
StringNotLike | "b${kms:EncryptionContext:b}?"
NumericEquals | "1234"
NumericLessThan | "1e3"
DateGreaterThan | "2026-01-01T00:00:00Z"
IpAddress | "10.0.0.0/8","2001:db8::/32"
BinaryEquals | "YWFhYQ=="
Bool | "true"
ForAnyValue:StringEquals | "b","c"
ForAllValues:StringLike | "a*","b?*"
ForAnyValue:StringLike | "${kms:EncryptionContext:b}*"
ForAnyValue:NumericEquals | "1","2"
ForAnyValue:IpAddress | "10.0.0.0/8"
ForAnyValue:StringLike | "*${kms:EncryptionContext:b}?*" | aws:TagKeys
ForAllValues:StringLike | "${kms:EncryptionContext:b}*","*${kms:EncryptionContext:b}" | aws:TagKeys
ArnLike | "arn:aws:kms:*:111122223333:key/*"
`
	values := func(size int) values {
		a := strings.Repeat("a", size)
		return values{"kms:encryptioncontext:a": {a}, "kms:encryptioncontext:b": {a[:size-1]},
			"kms:encryptioncontextkeys": {"a", a, "10.1.1.1", "7"}, "aws:tagkeys": {a, "a" + a}}
	}
	var list strings.Builder
	for kind := range strings.Lines(strings.TrimSpace(kinds)) {
		parts := append(strings.Split(strings.TrimSpace(kind), " | "), "kms:EncryptionContext:a")
		operator, operand, name := parts[0], parts[1], parts[2]
		if strings.HasPrefix(operator, "For") && len(parts) == 3 {
			name = "kms:EncryptionContextKeys"
		}
		p := mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*",`+
			`"Condition":{"`+operator+`":{"`+name+`":[`+operand+`]}}}]}`, KeyPolicy)
		fmt.Fprintf(&list, "%-90s", strings.TrimSpace(kind))
		for _, size := range []int{4, 16, 63, 64, 65, 128, 1000, 8000} {
			r := ask(alice, "kms:Encrypt")
			r.Values = values(size)
			e := evaluation{request: &r, docs: &Documents{Resource: Document{"key", p}}, one: new([1]string), action: "kms:encrypt"}
			allowed := e.decide().Allowed
			fmt.Fprintf(&list, " %d/%d/%v", size, e.work, allowed)
		}
		fmt.Fprintf(&list, " size %d\n", p.Size())
	}
	big := worst(t)
	for _, name := range slices.Sorted(maps.Keys(big)) {
		r := worstRequest()
		e := evaluation{request: &r, docs: &Documents{Resource: Document{"key", mustParse(t, big[name], KeyPolicy)}},
			one: new([1]string), action: "kms:encrypt"}
		d := e.decide()
		fmt.Fprintf(&list, "%s: %d, short %v, denied %v\n", name, e.work, e.short, d.Explicit)
	}
	listtest.Compare(t, "testdata/costs.txt", list.String())
}

// The memory of a policy includes the condition keys of its variables.
func TestSizeOfVariables(t *testing.T) {
	p := mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*",`+
		`"Resource":["arn:aws:kms:*:*:key/${aws:userid}","arn:aws:kms:*:*:key/${aws:username}","*"]}]}`, KeyPolicy)
	keys, names := map[*contextKey]bool{}, []string{}
	p.statements[0].resources.size(keys)
	for k, counts := range keys {
		if counts {
			names = append(names, k.name)
		}
	}
	if slices.Sort(names); !slices.Equal(names, []string{"aws:userid", "aws:username"}) {
		t.Errorf("got %q", names)
	}
}

// Statements share condition keys and operators: another statement takes as much memory as if its condition had the
// same values under a key and operator that are there already.
func TestSizeOfStatements(t *testing.T) {
	size := func(conditions ...string) int {
		var statements []string
		for _, c := range conditions {
			statements = append(statements, `"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":`+c)
		}
		return mustParse(t, document(statements...), KeyPolicy).Size()
	}
	const a, b, c, d = `{"StringEquals":{"aws:username":"x"}}`, `{"StringEquals":{"aws:UserName":"x"}}`,
		`{"StringEquals":{"kms:CallerIs":"x"}}`, `{"StringNotLike":{"aws:username":"x"}}`
	if same := size(a, a); same >= size(a, c) || same >= size(a, d) || size(a, c, a, c) >= size(a, c, c, b) {
		t.Errorf("%d for a condition twice, %d with another key, %d with another operator, %d and %d for two keys twice",
			same, size(a, c), size(a, d), size(a, c, a, c), size(a, c, c, b))
	}
}

// Size counts what a slice and its elements take, with the rounding of the allocator.
func TestAllocationSize(t *testing.T) {
	for bytes, want := range map[int]int{0: 0, 1: 9, 16: 25, 160: 178} {
		if got := allocationSize(bytes); got != want {
			t.Errorf("%d bytes take %d, want %d", bytes, got, want)
		}
	}
	if n := texts([]string{"0123456789abcdef", ""}); n != 25+allocationSize(32) {
		t.Errorf("two texts take %d", n)
	}
}

// The memory of the principals of a statement includes the names of each kind.
func TestSizeOfPrincipals(t *testing.T) {
	one := []string{"0123456789abcdef"}
	for _, n := range []principals{{accounts: one}, {arns: one}, {federated: one}} {
		if n.size() != texts(one) {
			t.Errorf("%+v takes %d, want %d", n, n.size(), texts(one))
		}
	}
	all := principals{accounts: one, arns: one, federated: one}
	if all.size() != 3*texts(one) {
		t.Errorf("%+v takes %d, want %d", all, all.size(), 3*texts(one))
	}
}
