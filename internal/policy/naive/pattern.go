package naive

import (
	"regexp"
	"strings"

	"github.com/keyhold/keyhold/internal/policy"
)

// Placeholders for "*" and "?" that are not wildcards, in a pattern whose variables were substituted. Requests
// do not contain these characters.
const (
	literalStar     = "\uE000"
	literalQuestion = "\uE001"
)

var (
	variable    = regexp.MustCompile(`\$\{([^}]*)\}`)
	withDefault = regexp.MustCompile(`^(.*), '(.*)'$`)
)

// substitute replaces policy variables by their values, as literal text. complete is false if a variable has
// neither a value nor a default. ambiguous is true if a variable is for a single value but the request has
// several. Source: "IAM policy elements: Variables and tags".
func (s statement) substitute(text string, r policy.Request) (result string, complete, ambiguous bool) {
	if !s.variables {
		return text, true, false
	}
	complete = true
	result = variable.ReplaceAllStringFunc(text, func(v string) string {
		name := variable.FindStringSubmatch(v)[1]
		value, ok := valueOfVariable(name, r)
		several := !ok && isAmbiguous(name, r)
		complete, ambiguous = complete && (ok || several), ambiguous || several
		return literal(value)
	})
	return result, complete, complete && ambiguous
}

func valueOfVariable(name string, r policy.Request) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	if isAmbiguous(name, r) {
		return "", false
	}
	name, fallback, hasFallback := cutDefault(name)
	// "You cannot use a multivalued context key as a policy variable."
	if values := valuesOf(name, r); len(values) == 1 && !isMultivalued(name) {
		return values[0], true
	}
	return fallback, hasFallback
}

func cutDefault(name string) (key, fallback string, has bool) {
	if m := withDefault.FindStringSubmatch(name); m != nil {
		return m[1], m[2], true
	}
	return name, "", false
}

// isAmbiguous reports whether a variable names a key for one value, of which the request has several.
func isAmbiguous(name string, r policy.Request) bool {
	name, _, _ = cutDefault(name)
	return len(valuesOf(name, r)) > 1 && !isMultivalued(name)
}

func literal(s string) string {
	return strings.NewReplacer("*", literalStar, "?", literalQuestion).Replace(s)
}

func unliteral(s string) string {
	return strings.NewReplacer(literalStar, "*", literalQuestion, "?").Replace(s)
}

// like reports whether the pattern matches s: "*" matches any characters, "?" any one character.
func like(pattern, s string) bool {
	return whole(expression(pattern, ".*", "."), s)
}

// resourceLike is like for the ARNs of resources: "You can use wildcard characters within the individual
// segments of an ARN (the parts separated by colons). If the * wildcard is the last character of a resource ARN
// segment, it can expand to match beyond the colon boundaries" ("IAM JSON policy elements: Resource"). The part
// after the fifth colon is one segment.
func resourceLike(pattern, s string) bool {
	segments := strings.SplitN(pattern, ":", 6)
	for i, segment := range segments {
		if i == 5 {
			segments[i] = expression(segment, ".*", ".")
			continue
		}
		front, last := strings.CutSuffix(segment, "*")
		segments[i] = expression(front, "[^:]*", "[^:]")
		if last {
			segments[i] += ".*"
		}
	}
	return whole(strings.Join(segments, ":"), s)
}

// arnLike: "Each of the six colon-delimited components of the ARN is checked separately and each can include
// wildcards" ("Condition operators").
func arnLike(pattern, s string) bool {
	patterns, parts := strings.SplitN(pattern, ":", 6), strings.SplitN(s, ":", 6)
	if len(patterns) != 6 || len(parts) != 6 {
		return false
	}
	for i := range parts {
		if !like(patterns[i], parts[i]) {
			return false
		}
	}
	return true
}

// expression converts a pattern to a regular expression.
func expression(pattern, star, question string) string {
	e := regexp.QuoteMeta(pattern)
	e = strings.ReplaceAll(e, `\*`, star)
	e = strings.ReplaceAll(e, `\?`, question)
	e = strings.ReplaceAll(e, literalStar, `\*`)
	return strings.ReplaceAll(e, literalQuestion, `\?`)
}

func whole(e, s string) bool {
	return regexp.MustCompile(`(?s)^(?:` + e + `)$`).MatchString(s)
}
