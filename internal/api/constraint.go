package api

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A constraint is a rule for a value: a string, a number, a blob or a list.
type constraint interface {
	// violation returns the rule that v violates, in the words of the API, or "".
	violation(v reflect.Value) string
}

// patterns are the regular expressions of the API in the form that its messages show.
const patterns = `
alias        ^[a-zA-Z0-9:/_-]+$
externalID   [\w+=,.@:\/-]*
grantName    ^[a-zA-Z0-9:/_-]+$
marker       [\u0020-\u00FF]*
materialID   ^[a-f0-9]+$
materialText ^[a-zA-Z0-9:/_\s.-]*$
policy       [\u0009\u000A\u000D\u0020-\u00FF]+
policyName   [\w]+
principal    ^[\w+=,.@:/-]+$
region       ^([a-z]+-){2,3}\d+$
sessionName  [\w+=,.@-]*
tag          [\p{L}\p{Z}\p{N}_.:/=+\-@]+
tagValue     [\p{L}\p{Z}\p{N}_.:/=+\-@]*
`

// newConstraint returns the constraint for a word of a tag.
func newConstraint(name, argument string) constraint {
	switch name {
	case "len":
		return newBounds("length", size, argument)
	case "range":
		return newBounds("value", reflect.Value.Int, argument)
	case "pattern":
		return newPattern(argument)
	case "enum":
		return newSet(argument)
	default:
		panic(fmt.Sprintf("api: no constraint %q", name))
	}
}

// bounds limits a measure of a value. Both bounds are inclusive.
type bounds struct {
	what     string
	measure  func(reflect.Value) int64
	min, max int64
}

func newBounds(what string, measure func(reflect.Value) int64, argument string) bounds {
	low, high, _ := strings.Cut(argument, ":")
	least, err1 := strconv.ParseInt(low, 10, 64)
	most, err2 := strconv.ParseInt(high, 10, 64)
	if err1 != nil || err2 != nil {
		panic(fmt.Sprintf("api: no bounds %q", argument))
	}
	return bounds{what, measure, least, most}
}

func (b bounds) violation(v reflect.Value) string {
	switch n := b.measure(v); {
	case n < b.min:
		return fmt.Sprintf("Member must have %s greater than or equal to %d", b.what, b.min)
	case n > b.max:
		return fmt.Sprintf("Member must have %s less than or equal to %d", b.what, b.max)
	default:
		return ""
	}
}

// size returns the number of code points of a string, bytes of a blob, or elements of a list.
func size(v reflect.Value) int64 {
	if v.Kind() == reflect.String {
		return int64(utf8.RuneCountInString(v.String()))
	}
	return int64(v.Len())
}

// A pattern must match a whole string.
type pattern struct {
	text  string
	whole *regexp.Regexp
}

func newPattern(name string) pattern {
	for line := range strings.Lines(patterns) {
		if row := strings.Fields(line); len(row) == 2 && row[0] == name {
			return pattern{row[1], compilePattern(row[1])}
		}
	}
	panic(fmt.Sprintf("api: no pattern %q", name))
}

// compilePattern translates the two differences of the API's dialect: its escapes of code points, and \s, which
// includes the vertical tab.
func compilePattern(text string) *regexp.Regexp {
	translated := strings.NewReplacer(`\u00`, `\x`, `\s`, `\s\v`).Replace(text)
	return regexp.MustCompile(`\A(?:` + translated + `)\z`)
}

func (p pattern) violation(v reflect.Value) string {
	if p.whole.MatchString(v.String()) {
		return ""
	}
	return "Member must satisfy regular expression pattern: " + p.text
}

// A set contains the values of an enum.
type set []string

func newSet(name string) set {
	values := Enum(name)
	if values == nil {
		panic(fmt.Sprintf("api: no enum %q", name))
	}
	return values
}

func (s set) violation(v reflect.Value) string {
	if slices.Contains(s, v.String()) {
		return ""
	}
	return "Member must satisfy enum value set: [" + strings.Join(s, ", ") + "]"
}
