package api

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// A Shape contains the rules for validating and describing the values of a request or response type. It may be
// used concurrently.
type Shape struct {
	typ     reflect.Type
	members []member
	fields  map[string]int // indexes by Go name
}

// A member contains the rules for a field.
type member struct {
	index     int
	name      string // as in messages and audit events, such as keyId
	required  bool
	sensitive bool
	algorithm bool         // its value is a key spec or a cryptographic algorithm
	whole     []constraint // for the member
	each      []constraint // for each element of a list
	nested    *Shape       // shape of the struct in the member or its elements, or nil
}

// ShapeOf returns the shape of the struct type T. It panics if a tag does not follow the package documentation.
func ShapeOf[T any]() *Shape { return shapeOf(reflect.TypeFor[T]()) }

func shapeOf(t reflect.Type) *Shape {
	s := &Shape{typ: t, fields: map[string]int{}}
	for i := range t.NumField() {
		s.fields[t.Field(i).Name] = i
		s.members = append(s.members, memberOf(t.Field(i), i))
	}
	return s
}

func memberOf(f reflect.StructField, index int) member {
	wire, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	m := member{index: index, name: strings.ToLower(wire[:1]) + wire[1:], nested: nestedShape(f.Type)}
	if tag := f.Tag.Get("kms"); tag != "" {
		for word := range strings.SplitSeq(tag, ",") {
			m.add(word, isList(f.Type))
		}
	}
	return m
}

// add adds a word of the tag.
func (m *member) add(word string, list bool) {
	name, argument, _ := strings.Cut(word, "=")
	switch {
	case name == "required":
		m.required = true
	case name == "sensitive":
		m.sensitive = true
	case name == "enum" && slices.Contains(strings.Fields(algorithmEnums), argument):
		m.algorithm = true
		m.whole = append(m.whole, newConstraint(name, argument))
	case name == "count":
		m.whole = append(m.whole, newConstraint("len", argument))
	case list:
		m.each = append(m.each, newConstraint(name, argument))
	default:
		m.whole = append(m.whole, newConstraint(name, argument))
	}
}

// nestedShape returns the shape of the struct behind a pointer or in a list, or nil if t is neither.
func nestedShape(t reflect.Type) *Shape {
	if t.Kind() == reflect.Pointer || isList(t) {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[Timestamp]() {
		return nil
	}
	return shapeOf(t)
}

func isBlob(t reflect.Type) bool { return t == reflect.TypeFor[[]byte]() }

func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice && !isBlob(t) }

// Field returns the member of v with the Go name name, or the zero Value if there is none. v is a pointer to
// the shape's type.
func (s *Shape) Field(v any, name string) reflect.Value {
	index, ok := s.fields[name]
	if !ok {
		return reflect.Value{}
	}
	return s.value(v).Field(index)
}

// Algorithms returns the values of the members of v that are key specs or cryptographic algorithms. v is a pointer
// to the shape's type.
func (s *Shape) Algorithms(v any) (names []string) {
	all := s.value(v)
	for i := range s.members {
		if m := &s.members[i]; m.algorithm && !isAbsent(all.Field(m.index)) {
			names = append(names, reflect.Indirect(all.Field(m.index)).String())
		}
	}
	return names
}

// value returns the value that v, a pointer to the shape's type, points to.
func (s *Shape) value(v any) reflect.Value {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Type().Elem() != s.typ {
		panic(fmt.Sprintf("api: a %T given to the shape of %v", v, s.typ))
	}
	return p.Elem()
}

// isAbsent reports whether the member is absent.
func isAbsent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	default:
		return false
	}
}
