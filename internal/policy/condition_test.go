package policy

import (
	"strings"
	"testing"
)

// context are the values that the conditions of the test are compared with.
var context = values{
	"aws:username":                 {"alice"},
	"aws:principaltag/team":        {"Blue"},
	"aws:requesttag/empty":         {""},
	"aws:tagkeys":                  {"team", "cost"},
	"kms:encryptioncontextkeys":    {"a"},
	"kms:encryptioncontext:a":      {"x*y"},
	"kms:encryptioncontext:umläut": {"grün"},
	"kms:encryptioncontext:bytes":  {"AAEC"},
	"kms:encryptioncontext:loud":   {"<BLUE-ü>"},
	"kms:encryptioncontext:greek":  {"σας kİı"},
	"kms:encryptioncontext:short":  {"arn:aws:s3::b"},
	"kms:rotationperiodindays":     {"90"},
	"kms:validto":                  {"2026-06-30T12:00:00Z"},
	"kms:requestalias":             {"alias/app"},
	"aws:securetransport":          {"true"},
	"aws:sourceip":                 {"10.1.2.3"},
	"aws:vpcsourceip":              {"2001:db8::7"},
	"aws:sourcearn":                {"arn:aws:s3:::bucket/a:b"},
	"id.example:aud":               {"keyhold"},
}

// conditions lists conditions and their results: yes, no, or ? for unclear.
var conditions = []struct{ condition, want string }{
	{`{}`, "yes"},
	{`{"StringEquals":{}}`, "yes"},
	{`{"StringEquals":{"aws:username":"alice"}}`, "yes"},
	{`{"StringEquals":{"AWS:UserName":"alice"}}`, "yes"},
	{`{"stringequals":{"aws:username":"alice"}}`, "yes"},
	{`{"StringEquals":{"aws:username":"Alice"}}`, "no"},
	{`{"StringEquals":{"aws:username":["bob","alice"]}}`, "yes"},
	{`{"StringEquals":{"aws:username":"al*"}}`, "no"},
	{`{"StringEquals":{"aws:username":"alice","kms:RequestAlias":"alias/app"}}`, "yes"},
	{`{"StringEquals":{"aws:username":"alice","kms:RequestAlias":"alias/other"}}`, "no"},
	{`{"StringEquals":{"aws:username":"alice"},"Bool":{"aws:SecureTransport":false}}`, "no"},
	{`{"StringNotEquals":{"aws:username":"bob"}}`, "yes"},
	{`{"StringNotEquals":{"aws:username":["bob","alice"]}}`, "no"},
	{`{"StringEqualsIgnoreCase":{"aws:PrincipalTag/Team":"bLUE"}}`, "yes"},
	{`{"StringNotEqualsIgnoreCase":{"aws:PrincipalTag/Team":"bLUE"}}`, "no"},
	{`{"StringEqualsIgnoreCase":{"aws:PrincipalTag/Team":"${aws:PrincipalTag/Team}"}}`, "yes"}, // the value is folded too
	{`{"StringNotEqualsIgnoreCase":{"aws:PrincipalTag/Team":"${aws:PrincipalTag/Team}"}}`, "no"},
	{`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:loud":"<${AWS:PrincipalTag/TEAM}-${aws:none, 'Ü'}>"}}`, "yes"},
	{`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:loud":"<${aws:PrincipalTag/Team}-${aws:none, 'Ü'}"}}`, "no"},
	{`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:loud":"<${aws:PrincipalTag/Team}-${aws:none, 'Ü'}>>"}}`, "no"},
	{`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:loud":"<${aws:username}-Ü>"}}`, "no"},
	{`{"StringEqualsIgnoreCase":{"aws:username":"${kms:EncryptionContext:a}"}}`, "no"}, // wildcards in values are literal
	{`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:greek":"ΣΑΣ \u212aİı"}}`, "yes"},
	{`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:greek":"σας kIı"}}`, "no"},
	{`{"StringEqualsIgnoreCase":{"kms:EncryptionContext:greek":"${kms:EncryptionContext:greek}"}}`, "yes"},
	{`{"StringLike":{"aws:username":["b*","a?i*e"]}}`, "yes"},
	{`{"StringLike":{"aws:username":"*"}}`, "yes"},
	{`{"StringLike":{"kms:EncryptionContext:Umläut":"gr?n"}}`, "yes"},
	{`{"StringLike":{"kms:EncryptionContext:Umläut":"gr??n"}}`, "no"},
	{`{"StringNotLike":{"aws:username":"a*"}}`, "no"},
	{`{"StringLike":{"aws:SourceArn":"arn:aws:*:*:b"}}`, "yes"},

	{`{"StringEquals":{"kms:ViaService":"x"}}`, "no"},
	{`{"StringNotEquals":{"kms:ViaService":"x"}}`, "yes"},
	{`{"StringNotLike":{"kms:ViaService":"*"}}`, "yes"},
	{`{"StringEqualsIfExists":{"kms:ViaService":"x"}}`, "yes"},
	{`{"StringNotEqualsIfExists":{"kms:ViaService":"x"}}`, "yes"},
	{`{"StringEqualsIfExists":{"aws:username":"bob"}}`, "no"},
	{`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`, "yes"},
	{`{"NumericLessThan":{"aws:MultiFactorAuthAge":"3600"}}`, "no"},
	{`{"Null":{"kms:ViaService":"true"}}`, "yes"},
	{`{"Null":{"kms:ViaService":"false"}}`, "no"},
	{`{"Null":{"aws:username":false}}`, "yes"},
	{`{"Null":{"aws:username":["true","false"]}}`, "yes"},
	{`{"Null":{"aws:RequestTag/empty":"false"}}`, "yes"},
	{`{"Null":{"aws:TagKeys":"false"}}`, "yes"},

	{`{"NumericEquals":{"kms:RotationPeriodInDays":90}}`, "yes"},
	{`{"NumericEquals":{"kms:RotationPeriodInDays":["1","90.0"]}}`, "yes"},
	{`{"NumericNotEquals":{"kms:RotationPeriodInDays":"90"}}`, "no"},
	{`{"NumericLessThan":{"kms:RotationPeriodInDays":["90","91"]}}`, "yes"},
	{`{"NumericLessThan":{"kms:RotationPeriodInDays":"90"}}`, "no"},
	{`{"NumericLessThanEquals":{"kms:RotationPeriodInDays":"90"}}`, "yes"},
	{`{"NumericGreaterThan":{"kms:RotationPeriodInDays":"89.5"}}`, "yes"},
	{`{"NumericGreaterThanEquals":{"kms:RotationPeriodInDays":"91"}}`, "no"},
	{`{"NumericEquals":{"aws:username":"1"}}`, "no"},
	{`{"NumericNotEquals":{"aws:username":"1"}}`, "yes"},
	{`{"NumericGreaterThan":{"kms:RotationPeriodInDays":"many"}}`, "no"},
	{`{"NumericLessThan":{"kms:RotationPeriodInDays":"inf"}}`, "no"},

	{`{"DateLessThan":{"kms:ValidTo":"2026-07-01T00:00:00Z"}}`, "yes"},
	{`{"DateLessThan":{"kms:ValidTo":"2026-07"}}`, "yes"},
	{`{"DateGreaterThan":{"kms:ValidTo":"2026-06-30"}}`, "yes"},
	{`{"DateEquals":{"kms:ValidTo":"2026-06-30T14:00:00+02:00"}}`, "yes"},
	{`{"DateNotEquals":{"kms:ValidTo":"1782820800"}}`, "no"},
	{`{"DateGreaterThanEquals":{"aws:CurrentTime":"2026-03-01T12:00Z"}}`, "yes"},
	{`{"DateLessThanEquals":{"aws:EpochTime":"2026-03-01T12:00:00Z"}}`, "yes"},
	{`{"NumericEquals":{"aws:EpochTime":"1772366400"}}`, "yes"},
	{`{"DateGreaterThan":{"aws:CurrentTime":"yesterday"}}`, "no"},

	{`{"Bool":{"aws:SecureTransport":true}}`, "yes"},
	{`{"Bool":{"aws:SecureTransport":"TRUE"}}`, "yes"},
	{`{"Bool":{"aws:SecureTransport":["false"]}}`, "no"},
	{`{"Bool":{"aws:username":"alice"}}`, "no"},
	{`{"BinaryEquals":{"kms:EncryptionContext:bytes":"AAEC"}}`, "yes"},
	{`{"BinaryEquals":{"kms:EncryptionContext:bytes":"AAED"}}`, "no"},
	{`{"BinaryEquals":{"kms:EncryptionContext:bytes":"-"}}`, "no"},

	{`{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, "yes"},
	{`{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","10.1.2.3"]}}`, "yes"},
	{`{"IpAddress":{"aws:SourceIp":"10.1.2.9/29"}}`, "no"},
	{`{"IpAddress":{"aws:SourceIp":"10.1.2.9/28"}}`, "yes"}, // bits beyond the prefix are ignored
	{`{"IpAddress":{"aws:SourceIp":"2001:db8::/32"}}`, "no"},
	{`{"IpAddress":{"aws:SourceIp":"::ffff:10.1.2.3"}}`, "yes"}, // an IPv4 address in the form of IPv6
	{`{"IpAddress":{"aws:SourceIp":"::ffff:10.1.2.4"}}`, "no"},
	{`{"IpAddress":{"aws:VpcSourceIp":"2001:DB8::/32"}}`, "yes"},
	{`{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`, "no"},
	{`{"NotIpAddress":{"aws:SourceIp":"11.0.0.0/8"}}`, "yes"},

	{`{"ArnEquals":{"aws:PrincipalArn":"` + aliceARN + `"}}`, "yes"},
	{`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}`, "yes"},
	{`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::1111????3333:user/a*e"}}`, "yes"},
	{`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*"}}`, "no"}, // an ARN has six components
	{`{"ArnLike":{"aws:PrincipalArn":"*"}}`, "no"},
	{`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam:*:user/alice"}}`, "no"},
	{`{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket*b"}}`, "yes"},
	{`{"ArnEquals":{"aws:username":"alice"}}`, "no"}, // not an ARN
	{`{"ArnNotEquals":{"aws:username":"alice"}}`, "yes"},
	{`{"ArnEquals":{"kms:EncryptionContext:short":"arn:aws:s3::b"}}`, "no"}, // only five components
	{`{"ArnLike":{"kms:EncryptionContext:short":"arn:aws:s3::*"}}`, "no"},
	{`{"ArnLike":{"kms:EncryptionContext:short":["arn:aws:s3:::b","${kms:EncryptionContext:short}"]}}`, "no"},
	{`{"ArnNotLike":{"kms:EncryptionContext:short":"arn:aws:s3::b"}}`, "yes"},
	{`{"ArnLike":{"aws:SourceArn":"${aws:SourceArn}"}}`, "yes"},
	{`{"ArnNotEquals":{"aws:PrincipalArn":"` + aliceARN + `"}}`, "no"},
	{`{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}`, "yes"},
	{`{"StringEquals":{"aws:PrincipalAccount":"111122223333","kms:CallerAccount":"111122223333","aws:PrincipalType":"User"}}`, "yes"},

	{`{"ForAnyValue:StringEquals":{"aws:TagKeys":["cost","other"]}}`, "yes"},
	{`{"ForAnyValue:StringEquals":{"aws:TagKeys":"other"}}`, "no"},
	{`{"ForAllValues:StringEquals":{"aws:TagKeys":["cost","team","other"]}}`, "yes"},
	{`{"ForAllValues:StringLike":{"aws:TagKeys":"c*"}}`, "no"},
	{`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"cost"}}`, "yes"},
	{`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["cost","team"]}}`, "no"},
	{`{"ForAllValues:StringNotEquals":{"aws:TagKeys":"cost"}}`, "no"},
	{`{"ForAllValues:StringNotEquals":{"aws:TagKeys":"other"}}`, "yes"},
	{`{"ForAllValues:StringEquals":{"kms:GrantOperations":"Decrypt"}}`, "yes"},
	{`{"ForAnyValue:StringEquals":{"kms:GrantOperations":"Decrypt"}}`, "no"},
	{`{"ForAnyValue:StringNotEquals":{"kms:GrantOperations":"Decrypt"}}`, "no"},
	{`{"ForAllValues:StringNotEquals":{"kms:GrantOperations":"Decrypt"}}`, "yes"},
	{`{"ForAnyValue:StringEqualsIfExists":{"kms:GrantOperations":"Decrypt"}}`, "yes"},
	{`{"ForAllValues:StringEquals":{"aws:RequestTag/empty":"a"}}`, "yes"},
	{`{"ForAnyValue:StringEquals":{"aws:RequestTag/empty":""}}`, "no"},
	{`{"ForAnyValue:StringEqualsIfExists":{"aws:RequestTag/empty":"a"}}`, "no"}, // the key is present
	{`{"ForAllValues:StringEqualsIfExists":{"aws:RequestTag/empty":"a"}}`, "yes"},
	{`{"StringEquals":{"aws:RequestTag/empty":""}}`, "yes"},
	{`{"StringEquals":{"kms:EncryptionContextKeys":"a"}}`, "yes"},
	{`{"StringEquals":{"aws:TagKeys":"cost"}}`, "?"},
	{`{"StringNotEquals":{"aws:TagKeys":"other"}}`, "?"},

	{`{"StringEquals":{"aws:username":"${aws:username}"}}`, "yes"},
	{`{"StringEquals":{"kms:RequestAlias":"alias/${aws:username}"}}`, "no"},
	{`{"StringLike":{"kms:RequestAlias":"ali*${kms:EncryptionContext:none, 'app'}"}}`, "yes"},
	{`{"StringEquals":{"aws:username":"${kms:ViaService}"}}`, "no"}, // a variable without a value matches nothing
	{`{"StringEquals":{"aws:username":["alice","${kms:ViaService}"]}}`, "yes"},
	{`{"StringEquals":{"aws:username":["${kms:ViaService}","alice"]}}`, "yes"},
	{`{"StringLike":{"aws:username":"*${kms:ViaService}"}}`, "no"},
	{`{"StringEqualsIgnoreCase":{"aws:username":"${kms:ViaService}"}}`, "no"},
	{`{"StringNotEquals":{"aws:username":"${kms:ViaService}"}}`, "yes"},
	{`{"StringNotEquals":{"aws:username":["${kms:ViaService}","alice"]}}`, "no"},
	{`{"StringNotEquals":{"aws:username":["${kms:ViaService}","bob"]}}`, "yes"},
	{`{"StringNotLike":{"aws:username":"${kms:ViaService}*"}}`, "yes"},
	{`{"StringNotEqualsIgnoreCase":{"aws:username":"${kms:ViaService}"}}`, "yes"},
	{`{"ArnNotLike":{"aws:SourceArn":"arn:aws:s3:::${kms:ViaService}"}}`, "yes"},
	{`{"StringNotEquals":{"kms:ViaService":"${aws:SourceVpc}"}}`, "yes"},
	{`{"StringEqualsIfExists":{"kms:ViaService":"${aws:SourceVpc}"}}`, "yes"},
	{`{"StringEqualsIfExists":{"aws:username":"${aws:SourceVpc}"}}`, "no"},
	{`{"ForAllValues:StringEquals":{"kms:GrantOperations":"${aws:SourceVpc}"}}`, "yes"},
	{`{"ForAllValues:StringEquals":{"aws:TagKeys":"${aws:SourceVpc}"}}`, "no"},
	{`{"ForAllValues:StringNotEquals":{"aws:TagKeys":"${aws:SourceVpc}"}}`, "yes"},
	{`{"ForAnyValue:StringEquals":{"aws:TagKeys":["${aws:SourceVpc}","cost"]}}`, "yes"},
	{`{"ForAnyValue:StringNotEquals":{"aws:TagKeys":"${aws:SourceVpc}"}}`, "yes"},
	{`{"StringNotEquals":{"aws:TagKeys":"${aws:SourceVpc}"}}`, "?"}, // the rule for several values applies first
	{`{"StringEquals":{"aws:TagKeys":"${aws:SourceVpc}"}}`, "?"},
	{`{"StringEquals":{"aws:username":"${aws:username, 'bob'}"}}`, "yes"},
	{`{"StringEquals":{"aws:username":"${aws:TagKeys, 'alice'}"}}`, "yes"}, // a key for several values has no value as a variable
	{`{"StringLike":{"aws:username":"${kms:EncryptionContext:a}"}}`, "no"},
	{`{"StringLike":{"kms:EncryptionContext:a":"${kms:EncryptionContext:a}"}}`, "yes"},
	{`{"StringLike":{"kms:EncryptionContext:a":"x${*}?"}}`, "yes"},
	{`{"StringLike":{"kms:EncryptionContext:a":"x${?}y"}}`, "no"},
	{`{"StringEquals":{"aws:username":"${$}{aws:username}"}}`, "no"},
	{`{"StringEquals":{"aws:username":"${aws:username"}}`, "no"},
	{`{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}"}}`, "yes"},
	{`{"Bool":{"aws:SecureTransport":"${aws:SecureTransport}"}}`, "no"}, // not a string operator

	{`{"StringEquals":{"id.example:aud":"keyhold"}}`, "yes"},
	{`{"StringEquals":{"id.example:aud":"other"}}`, "no"},
	{`{"StringEquals":{"id.example:sub":"keyhold"}}`, "?"},
	{`{"Null":{"id.example:sub":"true"}}`, "?"},
	{`{"StringEquals":{"kms:EncryptionContextKey":"a"}}`, "?"},
	{`{"StringEquals":{"kms:EncryptionContext:":"a"}}`, "?"},
	{`{"StringNotEquals":{"aws:UserNme":"bob"}}`, "?"},
	{`{"StringEqualsIfExists":{"kms:None":"a"}}`, "?"},
	{`{"Null":{"kms:None":"true"}}`, "?"},
	{`{"StringEqual":{"aws:username":"alice"}}`, "?"},
	{`{"NullIfExists":{"aws:username":"false"}}`, "?"},
	{`{"ForAnyValue:Null":{"aws:TagKeys":"false"}}`, "?"},
	{`{"ForSomeValues:StringEquals":{"aws:TagKeys":"cost"}}`, "?"},
	{`{"StringEquals":{"aws:username":"bob"},"StringEqual":{"aws:username":"alice"}}`, "?"},
}

func TestConditions(t *testing.T) {
	r := ask(alice, "kms:Decrypt")
	r.Values = context
	for _, test := range conditions {
		condition := `"Principal":"*","Action":"*","Resource":"*","Condition":` + test.condition
		allow := decideBoth(t, r, Documents{Resource: keyPolicy(t, `"Effect":"Allow",`+condition)})
		if allow.Allowed != (test.want == "yes") {
			t.Errorf("allowed %v, want %s: %s", allow.Allowed, test.want, test.condition)
		}
		deny := decideBoth(t, r, Documents{Resource: keyPolicy(t, toAll, `"Effect":"Deny",`+condition)})
		if deny.Explicit != (test.want != "no") {
			t.Errorf("denied %v, want %s: %s", deny.Explicit, test.want, test.condition)
		}
	}
}

// An address may have 64 characters with its zone, and a date 64 characters with its fraction.
func TestLongestValues(t *testing.T) {
	for value, want := range map[string]bool{
		"fe80::1%" + strings.Repeat("z", 56): true, "fe80::1%" + strings.Repeat("z", 57): false,
		"2026-06-30T14:00:00." + strings.Repeat("0", 43) + "Z": true, "2026-06-30T14:00:00." + strings.Repeat("0", 44) + "Z": false,
	} {
		condition := `{"IpAddress":{"aws:SourceIp":"fe80::/16"}}`
		if strings.HasPrefix(value, "2026") {
			condition = `{"DateLessThan":{"aws:SourceIp":"2027"}}`
		}
		r := ask(alice, "kms:Decrypt")
		r.Values = values{"aws:sourceip": {value}}
		d := decideBoth(t, r, Documents{Resource: keyPolicy(t, `"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":`+condition)})
		if d.Allowed != want {
			t.Errorf("%d characters: %v", len(value), d.Allowed)
		}
	}
}

// TestOperatorsWithoutTheirKey evaluates every form of every operator for a request without the condition key.
func TestOperatorsWithoutTheirKey(t *testing.T) {
	for name, o := range operatorsByName {
		for _, form := range []struct {
			prefix, suffix string
			want           bool
		}{
			{"", "", o.negated}, {"", "ifexists", true},
			{"forallvalues:", "", true}, {"foranyvalue:", "", false}, {"forallvalues:", "ifexists", true}, {"foranyvalue:", "ifexists", true},
		} {
			if o.compares == "null" {
				continue
			}
			to := compiler{true, map[string]*contextKey{}, map[string]*operator{}}
			c := to.condition(draftCondition{form.prefix + name + form.suffix, "kms:ViaService", []string{"1"}})
			r := ask(alice, "kms:Decrypt")
			if got := c.holds(&evaluation{request: &r, one: new([1]string)}); got != answer(form.want) {
				t.Errorf("%s%s%s: %v, want %v", form.prefix, name, form.suffix, got, form.want)
			}
		}
	}
	if len(operatorsByName) != 27 {
		t.Errorf("%d operators", len(operatorsByName))
	}
}
