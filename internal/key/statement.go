package key

import (
	"slices"
	"strings"
)

// malformed says what is wrong with the form of a statement, or "".
func malformed(s any) string {
	statement, ok := s.(map[string]any)
	switch {
	case !ok:
		return "that is not an object"
	case statement["Effect"] != "Allow" && statement["Effect"] != "Deny":
		return "whose Effect is neither Allow nor Deny"
	case !principals(statement["Principal"]) && !principals(statement["NotPrincipal"]):
		return "without a Principal"
	}
	return ""
}

// principals reports whether an element names principals: all of them, or some
// by their kind.
func principals(element any) bool {
	byKind, _ := element.(map[string]any)
	return element == "*" || len(byKind) > 0
}

// locksOut reports whether the statements leave the root of the account unable
// to replace the policy. Conditions are not looked into: what is allowed or
// denied under one is neither relied on nor feared.
func locksOut(statements []any, account string) bool {
	allowed := false
	for _, s := range statements {
		statement := s.(map[string]any)
		if statement["Condition"] != nil || !aboutReplacing(statement, account) {
			continue
		}
		if statement["Effect"] == "Deny" {
			return true
		}
		allowed = true
	}
	return !allowed
}

// aboutReplacing reports whether the statement is about the root of the account
// and PutKeyPolicy. Without a Resource a statement has no effect.
func aboutReplacing(statement map[string]any, account string) bool {
	isRoot := func(principal string) bool {
		return principal == "*" || principal == account || principal == "arn:aws:iam::"+account+":root"
	}
	isPut := func(action string) bool { return matches(strings.ToLower(action), "kms:putkeypolicy") }
	return concerns(statement, "Principal", isRoot) && concerns(statement, "Action", isPut) && len(words(statement["Resource"])) > 0
}

// concerns reports whether an element of the statement, or its negation, takes
// in what fits.
func concerns(statement map[string]any, element string, fits func(string) bool) bool {
	if not, negated := statement["Not"+element]; negated {
		return !slices.ContainsFunc(words(not), fits)
	}
	return slices.ContainsFunc(words(statement[element]), fits)
}

// words returns the strings of an element: one, a list of them, or those of the
// principals of kind AWS.
func words(element any) (all []string) {
	switch e := element.(type) {
	case string:
		return []string{e}
	case map[string]any:
		return words(e["AWS"])
	case []any:
		for _, word := range e {
			if word, ok := word.(string); ok {
				all = append(all, word)
			}
		}
	}
	return all
}

// matches reports whether the pattern, in which * stands for any characters and
// ? for one, is all of s.
func matches(pattern, s string) bool {
	at, star, mark := 0, -1, 0
	for i := 0; i < len(s); {
		switch {
		case at < len(pattern) && pattern[at] == '*':
			star, mark = at, i
			at++
		case at < len(pattern) && (pattern[at] == '?' || pattern[at] == s[i]):
			at++
			i++
		case star >= 0: // let the last star take one more
			mark++
			at, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[at:], "*") == ""
}
