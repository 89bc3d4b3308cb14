package api

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// Validate checks v, a pointer to the shape's type, against the constraints of its members. It returns the
// message of the API's ValidationException, or "". The message contains values from the request, except for
// blobs and sensitive values, with unprintable characters replaced. It has at most maxShown characters of each
// value, and as many violations as fit into maxReport bytes.
func (s *Shape) Validate(v any) string {
	var r report
	s.validate(&r, "", s.value(v))
	return r.String()
}

// ValidateGiven is Validate for a request of which only some members are known. It ignores absent members.
func (s *Shape) ValidateGiven(v any) string {
	var r report
	all := s.value(v)
	for i := range s.members {
		if m := &s.members[i]; !isAbsent(all.Field(m.index)) {
			m.validate(&r, m.name, all.Field(m.index))
		}
	}
	return r.String()
}

func (s *Shape) validate(r *report, prefix string, v reflect.Value) {
	for i := range s.members {
		m := &s.members[i]
		m.validate(r, prefix+m.name, v.Field(m.index))
	}
}

func (m *member) validate(r *report, at string, v reflect.Value) {
	if isAbsent(v) {
		if m.required {
			r.add("Value null", at, "Member must not be null")
		}
		return
	}
	v = reflect.Indirect(v)
	m.check(r, at, v, m.whole)
	switch {
	case isList(v.Type()):
		for i := range v.Len() {
			m.validateElement(r, at+"."+strconv.Itoa(i+1)+".member", v.Index(i))
		}
	case m.nested != nil:
		m.nested.validate(r, at+".", v)
	}
}

func (m *member) validateElement(r *report, at string, v reflect.Value) {
	m.check(r, at, v, m.each)
	if m.nested != nil {
		m.nested.validate(r, at+".", v)
	}
}

func (m *member) check(r *report, at string, v reflect.Value, constraints []constraint) {
	for _, c := range constraints {
		if rule := c.violation(v); rule != "" {
			r.add(m.describe(v), at, rule)
		}
	}
}

// describe returns the text for a value of the member in a message.
func (m *member) describe(v reflect.Value) string {
	switch {
	case m.sensitive:
		return "Value"
	case v.Kind() == reflect.String:
		return "Value '" + strings.Map(printable, shorten(v.String())) + "'"
	case v.CanInt():
		return "Value '" + strconv.FormatInt(v.Int(), 10) + "'"
	default: // a blob: its length, in the form that clients know
		return fmt.Sprintf("Value 'java.nio.HeapByteBuffer[pos=0 lim=%[1]d cap=%[1]d]'", v.Len())
	}
}

// The maximum size of a message, far below the size of a request.
const (
	maxShown  = 4096     // characters of each value
	maxReport = 16 << 10 // bytes of the text after which no violation is added
)

// shorten returns the first maxShown characters of a text, with an ellipsis if there are more.
func shorten(text string) string {
	n := 0
	for i := range text {
		if n++; n > maxShown {
			return text[:i] + "…"
		}
	}
	return text
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return unicode.ReplacementChar
}

// A report combines violations into one message.
type report struct {
	n    int
	text strings.Builder
	full bool
}

func (r *report) add(value, at, rule string) {
	r.n++
	if r.full {
		return
	}
	if r.n > 1 {
		r.text.WriteString("; ")
	}
	if r.full = r.text.Len() > maxReport; r.full {
		r.text.WriteString("…")
		return
	}
	fmt.Fprintf(&r.text, "%s at '%s' failed to satisfy constraint: %s", value, at, rule)
}

func (r *report) String() string {
	switch r.n {
	case 0:
		return ""
	case 1:
		return "1 validation error detected: " + r.text.String()
	default:
		return fmt.Sprintf("%d validation errors detected: %s", r.n, r.text.String())
	}
}
