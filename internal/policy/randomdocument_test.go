package policy_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/keyhold/keyhold/internal/policy"
)

// document returns a random policy. kind is "key", "trust" or "identity".
func (w generator) document(kind string) map[string]any {
	d := map[string]any{}
	switch n := w.IntN(10); {
	case n < 7:
		d["Version"] = "2012-10-17"
	case n < 9:
		d["Version"] = "2008-10-17"
	}
	var statements []any
	for range 1 + w.IntN(3) {
		statements = append(statements, w.statement(kind))
	}
	d["Statement"] = statements
	return d
}

func (w generator) statement(kind string) map[string]any {
	s := map[string]any{"Effect": "Allow"}
	if w.chance(20) {
		s["Effect"] = "Deny"
	}
	w.addPrincipal(s, kind)
	if kind != "key" || w.chance(97) {
		s[w.not("Action", 10)] = some(w, w.action)
	}
	if kind == "identity" || kind == "key" && w.chance(97) {
		s[w.not("Resource", 10)] = some(w, w.resource)
	}
	if w.chance(40) || s["Effect"] == "Deny" && w.chance(60) {
		s["Condition"] = w.condition()
	}
	return s
}

// not returns the name of an element, or sometimes of its negation.
func (w generator) not(element string, percent int) string {
	if w.chance(percent) {
		return "Not" + element
	}
	return element
}

func (w generator) addPrincipal(s map[string]any, kind string) {
	switch {
	case kind == "identity":
	case kind == "key" && s["Effect"] == "Deny" && w.chance(30):
		s["NotPrincipal"] = map[string]any{"AWS": []any{w.name(), w.name(), w.name()}}
	case w.chance(10):
		s["Principal"] = "*"
	case kind == "trust" && w.q.Principal.Kind == policy.WebIdentity && w.chance(85):
		s["Principal"] = map[string]any{"Federated": some(w, func() any { return w.providerARN() })}
	default:
		s["Principal"] = w.principalElement()
	}
}

func (w generator) principalElement() map[string]any {
	p := map[string]any{"AWS": some(w, w.name)}
	if w.chance(5) {
		p["AWS"] = "*"
	}
	if w.chance(5) {
		p["Service"] = "s3.amazonaws.com"
	}
	return p
}

// name returns someName, sometimes with the account ID in place of the ARN of a root.
func (w generator) name() any {
	name := w.someName()
	if account, ok := strings.CutSuffix(strings.TrimPrefix(name, "arn:aws:iam::"), ":root"); ok && w.chance(30) {
		return account
	}
	return name
}

func (w generator) action() any {
	service, name, _ := strings.Cut(w.q.Action, ":")
	if w.chance(60) {
		return one(w, []string{
			"*", service + ":*", service + ":*", w.q.Action, strings.ToUpper(service) + ":" + strings.ToLower(name),
			service + ":" + name[:2] + "*", service + ":?" + name[1:], service + ":*" + name[3:],
		})
	}
	return one(w, []string{"kms:Decrypt", "kms:De*", "kms:*Grant", "kms:Encrypt", "kms:?ncrypt", "kms:List*", "sts:AssumeRole*", "sts:AssumeRole", "s3:*"})
}

func (w generator) resource() any {
	if w.chance(45) {
		return "*"
	}
	if w.q.Resource == "*" {
		return "arn:aws:kms:us-east-1:111111111111:key/*"
	}
	parts := strings.SplitN(w.q.Resource, ":", 6)
	kind, name, _ := strings.Cut(parts[5], "/")
	service := "arn:aws:" + parts[2] + ":"
	front := strings.Join(parts[:5], ":") + ":" + kind + "/"
	all := []string{
		w.q.Resource, w.q.Resource, front + "*", front + "?" + name[1:], front + "*" + name[3:], front + name + "?",
		service + "*:*:" + kind + "/*", service + "*", service + "*:*", "arn:*", service + "*:" + parts[4] + ":" + parts[5],
		service + parts[3] + ":" + accounts[1] + ":*", service + "*:" + kind + "/" + name, strings.ToUpper(w.q.Resource),
		front + "${aws:username}", front + "${aws:PrincipalTag/team}*", front + "${AWS:principaltag/Key}",
		front + "${aws:PrincipalTag/team, '" + name + "'}", front + "${aws:PrincipalTag/key, 'none'}", front + "*${aws:userid}", front + "${*}", front + "${aws:TagKeys}",
	}
	if parts[3] != "" {
		all = append(all, service+"us-*-?:"+parts[4]+":"+parts[5], service+"u*"+parts[4][11:]+":"+parts[5], service+"us-*:"+parts[4]+":*")
	}
	return one(w, all)
}

// A family is the condition keys of one type, with values for policies and requests.
type family struct {
	keys      []string
	operators []string
	values    []string // values in both
	patterns  []string // only in policies
}

var sourceARNs = []string{"arn:aws:s3:::bucket", "arn:aws:s3:us-east-1:111111111111:bucket/a", "arn:aws:lambda:us-east-1:111111111111:function:f:1", "arn:aws:s3:us-east-1:222222222222:x:111111111111:bucket/a"}

var (
	stringOperators = []string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"}
	arnOperators    = []string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"}
	names           = []string{"alice", "bob", "Alice", "a*e", "red", "Ève", "ève", "ΣΑΣ", "σας", ""}
	namePatterns    = []string{"a*", "?ob", "*", "r?d", "${aws:username}", "${aws:PrincipalTag/team}", "${aws:PrincipalTag/team, 'red'}", "${kms:EncryptionContext:DEPT, 'bob'}", "a${*}e", "${aws:TagKeys}", "${id.example:amr}", "${$}", "${aws:userid}"}
)

// families lists all families: strings first, then multivalued strings.
var families = []family{
	{
		[]string{"aws:username", "aws:userid", "aws:PrincipalTag/team", "aws:PrincipalTag/key", "aws:RequestTag/team", "aws:ResourceTag/team", "kms:EncryptionContext:dept", "kms:ViaService", "sts:ExternalId", "sts:RoleSessionName", "id.example:aud", "id.example:sub"},
		stringOperators, names, namePatterns,
	},
	{
		[]string{"aws:TagKeys", "kms:GrantOperations", "kms:EncryptionContextKeys", "kms:ResourceAliases", "id.example:amr"},
		stringOperators, names, namePatterns,
	},
	{
		[]string{"kms:CallerAccount", "aws:PrincipalAccount"},
		stringOperators, accounts, []string{"1*", "${aws:PrincipalAccount}"},
	},
	{
		[]string{"aws:PrincipalType"},
		stringOperators, []string{"Account", "User", "AssumedRole"}, []string{"A*"},
	},
	{
		[]string{"kms:RotationPeriodInDays", "aws:MultiFactorAuthAge", "kms:ScheduleKeyDeletionPendingWindowInDays"},
		[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"},
		[]string{"7", "90", "90.0", "-7.5", "9e1", "7 days", "Inf", "NaN", "9O", "0x7"}, nil,
	},
	{
		[]string{"aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime", "kms:ValidTo"},
		[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"},
		[]string{"2026-01-31T12:01:00Z", "2026-01-31T13:01:00+01:00", "2026-01-31", "2026-01", "2026-01-31T12:01Z", "1769860860", "today", "2026-02-30", "2026-01-31T12:01:00.5Z"}, nil,
	},
	{
		[]string{"aws:SecureTransport", "aws:MultiFactorAuthPresent", "kms:MultiRegion", "kms:GrantIsForAWSResource"},
		[]string{"Bool"}, []string{"true", "false", "True", "yes", "1"}, nil,
	},
	{
		[]string{"aws:SourceIp", "aws:VpcSourceIp"},
		[]string{"IpAddress", "NotIpAddress"},
		[]string{"10.1.2.3", "10.1.2.4", "2001:db8::1", "10.1.2.300", "here"}, []string{"10.0.0.0/8", "10.1.2.0/31", "0.0.0.0/0", "::/0", "2001:db8::/32", "10.1.2.3/33", "10.9.9.9/8"},
	},
	{
		[]string{"aws:SourceArn"},
		arnOperators, slices.Concat([]string{"no ARN"}, sourceARNs), []string{"arn:aws:s3:*:*:*", "arn:aws:*:*:111111111111:*", "arn:aws:s3:*:a", "arn:aws:s3:*:111111111111:bucket/*", "arn:aws:s3:::b?cket", "*", "arn:aws:lambda:*:*:function:*:1", "arn:aws:s3:::${aws:username}"},
	},
	{
		[]string{"aws:PrincipalArn"},
		arnOperators, nil, []string{"arn:aws:iam::*:user/*", "arn:aws:iam::111111111111:*", "arn:aws:iam::*:role/worker", "arn:aws:iam::*:role/*/worker", "arn:aws:iam::1*:r*", "arn:aws:iam::*:user/${aws:username}", "arn:aws:sts::*:*"},
	},
	{
		[]string{"kms:RecipientAttestation:PCR0"},
		[]string{"BinaryEquals"}, []string{"YWxpY2U=", "Ym9i", "no base64!"}, nil,
	},
	{ // keys that are unknown or absent in every request
		[]string{"aws:UserNam", "kms:NoSuchKey", "kms:EncryptionContext", "other.example:aud"},
		stringOperators, names, nil,
	},
}

// values returns the request's values of condition keys.
func (w generator) values() values {
	all := values{}
	for i, f := range families[:len(families)-1] {
		for _, name := range f.keys {
			most := 1
			if i == 1 {
				most = 3
			}
			if f.values == nil || w.chance(25) {
				continue
			}
			for range 1 + w.IntN(most) {
				all[strings.ToLower(name)] = append(all[strings.ToLower(name)], one(w, f.values))
			}
		}
	}
	maps.DeleteFunc(all, func(name string, _ []string) bool { return slices.Contains(ofRequest, name) })
	return all
}

// ofRequest lists the keys that evaluators derive from the request itself.
var ofRequest = []string{"aws:currenttime", "aws:epochtime", "aws:principalarn", "aws:principalaccount", "aws:principaltype", "kms:calleraccount"}

// condition returns a Condition element.
func (w generator) condition() map[string]any {
	c := map[string]any{}
	for range 1 + w.IntN(10)/7 {
		f := one(w, families)
		if w.chance(40) {
			f = families[w.IntN(2)]
		}
		keys := map[string]any{}
		for range 1 + w.IntN(10)/8 {
			name := one(w, f.keys)
			if w.chance(10) {
				name = strings.ToUpper(name[:5]) + name[5:]
			}
			keys[name] = some(w, func() any { return w.conditionValue(f) })
		}
		operator := w.operator(f)
		if strings.EqualFold(operator, "Null") {
			for name := range keys {
				keys[name] = w.truth()
			}
		}
		c[operator] = keys
	}
	return c
}

func (w generator) truth() any {
	if w.chance(30) {
		return w.chance(50)
	}
	return one(w, []string{"true", "false"})
}

func (w generator) conditionValue(f family) any {
	value := one(w, slices.Concat(f.values, f.patterns))
	if slices.Contains(f.operators, "ArnLike") && w.chance(30) {
		value = one(w, []string{w.q.Principal.ARN, w.q.Principal.RoleARN, rootARN(accounts[0])})
	}
	if _, err := strconv.ParseFloat(value, 32); err == nil && w.chance(20) && !strings.ContainsAny(value, "xIN") {
		return unquote(value)
	}
	if (value == "true" || value == "false") && w.chance(20) {
		return unquote(value)
	}
	return value
}

// operator returns an operator that fits the keys, or sometimes does not.
func (w generator) operator(f family) string {
	name := one(w, f.operators)
	switch n := w.IntN(100); {
	case n < 2:
		return one(w, []string{"StringEqual", "NullIfExists", "NumericLike", "ForSomeValues:StringEquals", "IpAddressEquals"})
	case n < 10:
		return "Null"
	case n < 15:
		name = one(w, one(w, families).operators)
	case n < 18:
		name = strings.ToLower(name)
	}
	if w.chance(20) {
		name += "IfExists"
	}
	if w.chance(20) || slices.Contains(f.keys, "aws:TagKeys") && w.chance(60) {
		name = one(w, []string{"ForAllValues:", "ForAnyValue:"}) + name
	}
	return name
}
