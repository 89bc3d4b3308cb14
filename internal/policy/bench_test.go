package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
)

// tenStatements returns a realistic key policy.
func tenStatements() string {
	var s []string
	for i := range 8 {
		s = append(s, fmt.Sprintf(`{"Sid":"s%d","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/app%d","arn:aws:iam::111122223333:user/alice"]},
			"Action":["kms:Encrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:DescribeKey"],"Resource":"*",
			"Condition":{"StringEquals":{"kms:EncryptionContext:department":"IT%d"}}}`, i, i, i))
	}
	s = append(s, `{"Sid":"root","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`,
		`{"Sid":"use","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*",
			"Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"},"StringLike":{"kms:EncryptionContext:department":"I*"}}}`)
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(s, ",") + `]}`
}

func BenchmarkDecide10(b *testing.B) {
	d := Documents{Resource: Document{"key", mustParse(b, tenStatements(), KeyPolicy)}}
	r := ask(alice, "kms:Encrypt")
	r.Values = values{"kms:encryptioncontext:department": {"IT"}}
	if !Decide(r, d, nil).Allowed {
		b.Fatal("denied")
	}
	b.ReportAllocs()
	for b.Loop() {
		Decide(r, d, nil)
	}
}

// worst returns policies of 32 KiB, each the most expensive of its kind. Requests for them have an encryption
// context of 8 KiB.
func worst(tb testing.TB) map[string]string {
	fill := func(head, item, tail string) string {
		n := (key.MaxPolicySize - len(head) - len(tail)) / (len(item) + 1)
		return head + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + tail
	}
	const statement = `{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*"`
	condition := func(operator, key, item string) string {
		return fill(`{"Version":"2012-10-17","Statement":[`+statement+`,"Condition":{"`+operator+`":{"`+key+`":[`, item, `]}}}]}`)
	}
	return map[string]string{
		"one pattern":      condition("StringLike", "kms:EncryptionContext:a", `"*`+strings.Repeat("a?", 8000)+`b*"`),
		"long patterns":    condition("StringLike", "kms:EncryptionContext:a", `"*`+strings.Repeat("a", 2000)+`?`+strings.Repeat("a", 2000)+`b*"`),
		"short patterns":   condition("StringLike", "kms:EncryptionContext:a", `"*a?b*"`),
		"stars":            condition("StringLike", "kms:EncryptionContext:a", `"`+strings.Repeat("*a", 1000)+`b"`),
		"variables":        condition("StringLike", "kms:EncryptionContext:a", `"*${kms:EncryptionContext:a}?*"`),
		"half variables":   condition("StringLike", "kms:EncryptionContext:a", `"*${kms:EncryptionContext:b}?b*"`),
		"equal variables":  condition("StringEquals", "kms:EncryptionContext:a", `"${kms:EncryptionContext:b}${kms:EncryptionContext:b}b"`),
		"folded variables": condition("StringEqualsIgnoreCase", "kms:EncryptionContext:a", `"${kms:EncryptionContext:b}${kms:EncryptionContext:b}b"`),
		"folded values":    fill(`{"Version":"2012-10-17","Statement":[`, statement+`,"Condition":{"StringEqualsIgnoreCase":{"kms:EncryptionContext:wide":"a"}}}`, `]}`),
		"set of variables": condition("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", `"${aws:PrincipalArn}"`),
		"set of strings":   condition("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", `"ab"`),
		"set of patterns":  condition("ForAnyValue:StringLike", "kms:EncryptionContextKeys", `"a?b*"`),
		"set of numbers":   condition("ForAnyValue:NumericEquals", "kms:EncryptionContextKeys", `-7`),
		"set of networks":  condition("ForAnyValue:IpAddress", "kms:EncryptionContextKeys", `"10.0.0.0/8"`),
		"statements":       fill(`{"Version":"2012-10-17","Statement":[`, statement+`}`, `]}`),
		"conditions":       fill(`{"Version":"2012-10-17","Statement":[`, statement+`,"Condition":{"StringLike":{"kms:EncryptionContext:a":"*a?*b"}}}`, `]}`),
		"resources":        fill(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":[`, `"*:*:*:*:*:*k*y*x"`, `]}]}`),
		"principals":       fill(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":[`, `"arn:aws:iam::111122223333:user/a"`, `]},"Action":"kms:*","Resource":"*"}]}`),
	}
}

func worstRequest() Request {
	r := ask(alice, "kms:Encrypt")
	var keys []string
	for i := range 2000 {
		keys = append(keys, fmt.Sprintf("%04d", i))
	}
	r.Values = values{
		"kms:encryptioncontext:a":    {strings.Repeat("a", 8000)},
		"kms:encryptioncontext:wide": {strings.Repeat("\u03a3", 4000)},
		"kms:encryptioncontext:b":    {strings.Repeat("a", 3998)},
		"kms:encryptioncontextkeys":  keys,
	}
	return r
}

func BenchmarkDecideWorst(b *testing.B) {
	for name, text := range worst(b) {
		d := Documents{Resource: Document{"key", mustParse(b, text, KeyPolicy)}}
		r := worstRequest()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Decide(r, d, nil)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	texts := worst(b)
	texts["ten statements"] = tenStatements()
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustParse(b, text, KeyPolicy)
			}
		})
	}
}
