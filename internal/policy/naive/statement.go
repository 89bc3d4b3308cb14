package naive

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/policy"
)

// A statement of a document.
type statement struct {
	elements  map[string]any
	variables bool // whether the document's Version supports policy variables
}

// statements returns the statements of a document, or none if text is "".
func statements(text string) []statement {
	if text == "" {
		return nil
	}
	var document map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&document); err != nil {
		panic(err)
	}
	// "IAM JSON policy elements: Version": without this element, the version is 2008-10-17, in which variables
	// "are treated as literal strings".
	variables := document["Version"] == "2012-10-17"
	var all []statement
	for _, elements := range slice(document["Statement"]) {
		all = append(all, statement{elements.(map[string]any), variables})
	}
	return all
}

func (s statement) allows() bool { return s.elements["Effect"] == "Allow" }

func (s statement) denies() bool { return s.elements["Effect"] == "Deny" }

// matches reports whether all elements except the principals match the request. document is the kind of
// document: a "key" policy, a "trust" policy, or an "identity" policy.
func (s statement) matches(r policy.Request, document string) bool {
	return s.matchesAction(r) && (document == "trust" || s.matchesResource(r)) && s.matchesCondition(r)
}

// matchesAction follows "IAM JSON policy elements: Action" and "NotAction": the prefix and the name are
// case-insensitive. A statement with neither element has no effect ("Creating a key policy", KMS Developer
// Guide).
func (s statement) matchesAction(r policy.Request) bool {
	if element, ok := s.elements["Action"]; ok {
		return matchesAnyAction(element, r)
	}
	if element, ok := s.elements["NotAction"]; ok {
		return !matchesAnyAction(element, r)
	}
	return false
}

func matchesAnyAction(element any, r policy.Request) bool {
	return slices.ContainsFunc(list(element), func(pattern string) bool {
		return like(strings.ToLower(pattern), strings.ToLower(r.Action))
	})
}

// matchesResource follows "IAM JSON policy elements: Resource" and "NotResource".
func (s statement) matchesResource(r policy.Request) bool {
	element, ok := s.elements["Resource"]
	not, negated := s.elements["NotResource"]
	if !ok && !negated {
		return false
	}
	if negated {
		element = not
	}
	matches, ambiguous := s.matchesAnyResource(element, r)
	if ambiguous && !matches {
		return s.denies()
	}
	return matches != negated
}

// matchesAnyResource: "If a variable that has no value in the authorization context is used as part of the
// Resource or NotResource element of a policy, the resource that includes a policy variable with no value will
// not match any resource" ("IAM policy elements: Variables and tags").
//
// ambiguous means that the result cannot be determined.
func (s statement) matchesAnyResource(element any, r policy.Request) (matches, ambiguous bool) {
	for _, text := range list(element) {
		pattern, ok, several := s.substitute(text, r)
		ambiguous = ambiguous || several
		matches = matches || ok && !several && resourceLike(pattern, r.Resource)
	}
	return matches, ambiguous
}

// slice returns a list for an element that, according to "Grammar of the IAM JSON policy language", needs no
// brackets if it has only one member.
func slice(v any) []any {
	if many, ok := v.([]any); ok {
		return many
	}
	return []any{v}
}

// list is slice for values. According to the grammar, "Quotation marks are optional for numeric and Boolean
// values".
func list(v any) []string {
	var texts []string
	for _, value := range slice(v) {
		texts = append(texts, fmt.Sprint(value))
	}
	return texts
}
