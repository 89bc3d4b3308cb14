package policy

import (
	"strconv"
	"time"
)

// values returns the request's values for a condition key, and whether the key is known.
func (e *evaluation) values(k *contextKey) ([]string, bool) {
	if value, ok := e.deriveValue(k.name); ok {
		e.one[0] = value
		return e.one[:], true
	}
	return e.callerValues(k)
}

// value returns the value of a condition key for a variable. Keys for several values cannot be used as
// variables; a key for one value with several values is unclear. Source: "Single-valued vs. multivalued context
// keys".
func (e *evaluation) value(k *contextKey) (string, outcome) {
	if value, ok := e.deriveValue(k.name); ok {
		return value, yes
	}
	values, known := e.callerValues(k)
	switch {
	case !known || k.Multi || len(values) == 0:
		return "", no
	case len(values) > 1:
		return "", unclear
	}
	return values[0], yes
}

// callerValues returns the values of a condition key that the caller provides with the request.
func (e *evaluation) callerValues(k *contextKey) ([]string, bool) {
	if k.origin == unknown || e.request.Values == nil {
		return nil, k.origin == listed
	}
	values := e.request.Values.Values(k.name)
	return values, k.origin == listed || values != nil
}

// deriveValue returns the value of a condition key that follows from the other fields of the request.
func (e *evaluation) deriveValue(name string) (string, bool) {
	switch name {
	case "aws:currenttime":
		return e.request.Time.UTC().Format(time.RFC3339), true
	case "aws:epochtime":
		return strconv.FormatInt(e.request.Time.Unix(), 10), true
	}
	p := &e.request.Principal
	if p.Kind == WebIdentity {
		return "", false
	}
	switch name {
	case "aws:principalarn":
		return p.entity(), true
	case "aws:principalaccount", "kms:calleraccount":
		return p.Account, true
	case "aws:principaltype":
		return string(p.Kind), true
	}
	return "", false
}

// entity returns the ARN of the principal that has the identity-based policies. Source: "AWS global condition
// context keys", about aws:PrincipalArn: "For IAM roles, the request context returns the ARN of the role, not
// the ARN of the user that assumed the role."
func (p *Principal) entity() string {
	if p.Kind == AssumedRole {
		return p.RoleARN
	}
	return p.ARN
}
