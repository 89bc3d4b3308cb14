package hostile

import "strings"

// operators lists all condition operators, and some that do not exist.
var operators = strings.Fields(`
StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike ArnEquals ArnNotEquals ArnLike
ArnNotLike NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan NumericGreaterThanEquals DateEquals
DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals IpAddress NotIpAddress Bool BinaryEquals Null Unknown`)

var sets = []string{"", "", "ForAllValues:", "ForAnyValue:"}

// many are condition keys of which a policy can have any number. %d is a number.
var many = []string{
	"kms:EncryptionContext:%d", "aws:PrincipalTag/%d", "aws:ResourceTag/%d", "aws:RequestTag/%d", "i.example:%d",
	"kms:EncryptionContext:a%d",
}

// single are the condition keys with the largest values, or that take longest to find.
var single = []string{
	"kms:EncryptionContext:a", "kms:EncryptionContext:b", "kms:EncryptionContext:wide", "kms:EncryptionContextKeys",
	"kms:ResourceAliases", "aws:CurrentTime", "aws:EpochTime", "aws:PrincipalArn", "aws:PrincipalTag/0", "aws:SourceIp",
	"aws:TagKeys", "aws:username", "kms:ReEncryptOnSameKey", "kms:GrantOperations", "kms:ViaService", "kms:Unknown",
}

// values are values of conditions and resources. %d is a number, and KEY a condition key.
var values = []string{
	"a", "%d", "*", "?", "*%d", "?*%d*", "*a?b*", "*a*a*a*a*a*a*a*b",
	strings.Repeat("*a", 60) + "%d", strings.Repeat("a?", 60) + "%d", strings.Repeat("?", 120),
	strings.Repeat("*?", 60) + "%d", strings.Repeat("a", 120) + "%d", "*" + strings.Repeat("a", 2000) + "?b%d",
	"${KEY}", "${KEY}%d", "${KEY}*%d", "*${KEY}?*", "${KEY}${KEY}b",
	"${aws:none, '" + strings.Repeat("x", 40) + "'}%d", "*${aws:username}*%d",
	"${*}${?}${$}%d", "$", "${", "${a", "${a,", "${a, '", "$${a$}",
	"%d.5e3", strings.Repeat("9", 100), "1e-%d",
	"2026-01-31T12:00:00.%dZ", "2026-01-31T12:00+05:30", "2026-01", "20260131T",
	"10.%d.0.0/16", "2001:db8:%d::/48", "::ffff:10.1.2.3", "QUFB", "AAAA%d", "true", "false",
	strings.Repeat("Σ", 60) + "%d", "Σς%d", strings.Repeat("漢", 40), "\u212a\u017f\u0130%d",
	"arn:aws:iam::*:user/*%d", "*:*:*:*:*:*%d", "arn:aws:kms:*:111122223333:key/*%d",
	"arn:aws:iam::111122223333:user/${KEY}*", "*:*:*:*:*:${KEY}%d",
}

var actions = []string{"kms:*", "*", "kms:Encrypt", "kms:E?c*%d", "k*:*%d", "kms:??c*p*", "KMS:ENCRYPT"}

var principals = []string{
	"arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/a%d",
	"111122223333", "arn:aws:iam::%012d:root",
}
