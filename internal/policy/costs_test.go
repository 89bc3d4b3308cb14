package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/listtest"
)

// The work of each kind of comparison is as testdata/costs.txt lists, because the limit of a decision counts it. Run
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
ArnLike | "arn:aws:kms:*:111122223333:key/*"
`
	values := func(size int) values {
		a := strings.Repeat("a", size)
		return values{"kms:encryptioncontext:a": {a}, "kms:encryptioncontext:b": {a[:size-1]},
			"kms:encryptioncontextkeys": {"a", a, "10.1.1.1", "7"}}
	}
	var list strings.Builder
	for kind := range strings.Lines(strings.TrimSpace(kinds)) {
		operator, operand, _ := strings.Cut(strings.TrimSpace(kind), " | ")
		name := "kms:EncryptionContext:a"
		if strings.HasPrefix(operator, "For") {
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
		list.WriteString("\n")
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
