package api

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// Validate holds v, a pointer to the shape's type, against the constraints on
// its members and returns the message of the API's ValidationException, or "" if
// all are kept. The message echoes values from the request, sensitive ones and
// blobs excepted, with unprintable characters replaced: the first maxShown characters
// of each, and in all as many violations as have room in maxReport bytes.
func (s *Shape) Validate(v any) string {
	var r report
	s.validate(&r, "", s.value(v))
	return r.String()
}

// ValidateGiven is Validate for a request that is not known in full: members that
// are absent are none of its matter.
func (s *Shape) ValidateGiven(v any) string {
	var r report
	all := s.value(v)
	for i := range s.members {
		if m := &s.members[i]; !absent(all.Field(m.index)) {
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
	if absent(v) {
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
		if rule := c.broken(v); rule != "" {
			r.add(m.shown(v), at, rule)
		}
	}
}

// shown says what a message tells of the value v of the member.
func (m *member) shown(v reflect.Value) string {
	switch {
	case m.sensitive:
		return "Value"
	case v.Kind() == reflect.String:
		return "Value '" + strings.Map(printable, beginning(v.String())) + "'"
	case v.CanInt():
		return "Value '" + strconv.FormatInt(v.Int(), 10) + "'"
	default: // a blob: its length, in the form that clients know
		return fmt.Sprintf("Value 'java.nio.HeapByteBuffer[pos=0 lim=%[1]d cap=%[1]d]'", v.Len())
	}
}

// The size of a message, which is far less than that of a request.
const (
	maxShown  = 4096     // characters of a value
	maxReport = 16 << 10 // bytes of the text, after which no violation is added
)

// beginning returns the first maxShown characters of a text, with an ellipsis if
// there are more.
func beginning(text string) string {
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

// A report gathers violations into one message.
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
