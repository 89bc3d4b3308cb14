package naive

import (
	"strings"

	"github.com/keyhold/keyhold/internal/policy"
)

// matchesCondition follows "IAM JSON policy elements: Condition": several operators, and several keys of one
// operator, must all hold. If the result cannot be determined, the element matches in a Deny and does not match
// in an Allow.
func (s statement) matchesCondition(r policy.Request) bool {
	block, _ := s.elements["Condition"].(map[string]any)
	if !understood(block, r) {
		return s.denies()
	}
	all := true
	for operator, keys := range block {
		for name, values := range keys.(map[string]any) {
			at := s.holds(operatorOf(operator), name, list(values), false, r)
			if at != s.holds(operatorOf(operator), name, list(values), true, r) {
				return s.denies() // the result cannot be determined
			}
			all = all && at
		}
	}
	return all
}

// understood reports whether all operators and keys are known, and several values in the request meet a set
// operator: "Multivalued context keys require a condition set operator" ("Single-valued vs. multivalued context
// keys").
func understood(block map[string]any, r policy.Request) bool {
	for text, keys := range block {
		o := operatorOf(text)
		if !o.known() {
			return false
		}
		for name := range keys.(map[string]any) {
			many := len(valuesOf(name, r)) > 1
			if !isKnown(name, r) || many && o.set == "" && o.name != "null" {
				return false
			}
		}
	}
	return true
}

// An operator is a parsed name of a condition operator, in lower case.
type operator struct {
	set      string // "forallvalues", "foranyvalue" or ""
	name     string // name without negation
	negated  bool
	ifExists bool
}

func operatorOf(text string) operator {
	var o operator
	o.name = strings.ToLower(text)
	if set, name, ok := strings.Cut(o.name, ":"); ok {
		o.set, o.name = set, name
	}
	o.name, o.ifExists = strings.CutSuffix(o.name, "ifexists")
	if base, ok := opposite(o.name); ok {
		o.name, o.negated = base, true
	}
	return o
}

// opposite returns the operator that name negates.
func opposite(name string) (string, bool) {
	switch name {
	case "stringnotequals":
		return "stringequals", true
	case "stringnotequalsignorecase":
		return "stringequalsignorecase", true
	case "stringnotlike":
		return "stringlike", true
	case "numericnotequals":
		return "numericequals", true
	case "datenotequals":
		return "dateequals", true
	case "notipaddress":
		return "ipaddress", true
	case "arnnotequals":
		return "arnequals", true
	case "arnnotlike":
		return "arnlike", true
	}
	return "", false
}

// known reports whether "Condition operators" lists the operator. IfExists can follow "any condition operator
// name except the Null condition".
func (o operator) known() bool {
	if o.name == "null" {
		return o.set == "" && !o.ifExists
	}
	return (o.set == "" || o.set == "forallvalues" || o.set == "foranyvalue") && comparison(o.name) != nil
}

// holds reports whether an operator holds for a key. If ambiguous is set, text that cannot be determined counts
// as a match.
func (s statement) holds(o operator, name string, wanted []string, ambiguous bool, r policy.Request) bool {
	values := valuesOf(name, r)
	switch {
	case o.name == "null":
		return holdsNull(len(values) == 0, wanted)
	case len(values) == 0:
		return o.holdsForAbsent()
	case o.set != "" && len(values) == 1 && values[0] == "":
		// "ForAllValues … also returns true if … the context key value resolves to a null
		// data set, such as an empty string"; of ForAnyValue: "For no matching context key
		// or a null dataset, the condition returns false" ("Set operators").
		return o.set == "forallvalues"
	}
	matching := 0
	for _, value := range values {
		if s.matchesAny(o.name, value, wanted, ambiguous, r) {
			matching++
		}
	}
	return o.holdsFor(matching, len(values))
}

// holdsNull follows "either true (the key doesn't exist) or false (the key exists)".
func holdsNull(absent bool, wanted []string) bool {
	for _, w := range wanted {
		if b, ok := boolean(w); ok && b == absent {
			return true
		}
	}
	return false
}

// holdsForAbsent: "If the key that you specify in a policy condition is not present in the request context, the
// values do not match and the condition is false. If the policy condition requires that the key is not matched,
// the condition is true" ("Condition operators"); "If the key is not present, evaluate the condition element as
// true" (the same page, IfExists). The other two cases are in "Set operators for multivalued context keys".
func (o operator) holdsForAbsent() bool {
	switch {
	case o.ifExists || o.set == "forallvalues":
		return true
	case o.set == "foranyvalue":
		return false
	}
	return o.negated
}

// holdsFor decides from the number of values in the request, and the number of them that match a value of the
// policy. "ForAllValues tests whether the value of every member of the request context matches the condition
// operator that follows", "ForAnyValue at least one" ("Set operators for multivalued context keys"). Several
// values in a policy are combined with OR, and with NOR for a negated operator ("Conditions with multiple
// context keys or values").
func (o operator) holdsFor(matching, all int) bool {
	switch {
	case o.set == "forallvalues" && o.negated:
		return matching == 0
	case o.set == "forallvalues":
		return matching == all
	case o.set == "foranyvalue" && o.negated:
		return matching < all
	case o.negated:
		return matching == 0
	}
	return matching > 0
}

// matchesAny reports whether a value matches a value of the policy. "String and ARN operators" can have
// variables ("Variables and tags"). A variable without a value matches nothing: "There is no equal or like
// value", so a negated operator holds.
func (s statement) matchesAny(name, value string, wanted []string, ambiguous bool, r policy.Request) bool {
	for _, w := range wanted {
		if strings.HasPrefix(name, "string") || strings.HasPrefix(name, "arn") {
			substituted, ok, several := s.substitute(w, r)
			if several && ambiguous && !(strings.HasPrefix(name, "arn") && strings.Count(value, ":") < 5) {
				return true
			}
			if !ok || several {
				continue
			}
			w = substituted
		}
		if comparison(name)(w, value) {
			return true
		}
	}
	return false
}
