package api

import (
	"fmt"
	"reflect"
	"strings"
)

// A Shape is the plan by which the values of one request or response type are
// validated and described. It is made once and may be used at the same time by
// many.
type Shape struct {
	typ     reflect.Type
	members []member
	fields  map[string]int // indexes, by the names in Go
}

// A member is the plan of one field.
type member struct {
	index     int
	name      string // as messages and audit events spell it: keyId
	required  bool
	sensitive bool
	whole     []constraint // on the member
	each      []constraint // on each element, where the member is a list
	nested    *Shape       // of the struct that the member, or an element, is; or nil
}

// ShapeOf returns the plan of the struct type T. It panics if a tag is not one
// that the package comment explains.
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

// add takes up one word of the tag.
func (m *member) add(word string, list bool) {
	name, argument, _ := strings.Cut(word, "=")
	switch {
	case name == "required":
		m.required = true
	case name == "sensitive":
		m.sensitive = true
	case name == "count":
		m.whole = append(m.whole, newConstraint("len", argument))
	case list:
		m.each = append(m.each, newConstraint(name, argument))
	default:
		m.whole = append(m.whole, newConstraint(name, argument))
	}
}

// nestedShape returns the shape of the struct behind a pointer or in a list, nil
// if t is neither.
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

// Field returns the member of v, a pointer to the shape's type, with the name that
// it has in Go. It is the zero Value if there is none.
func (s *Shape) Field(v any, name string) reflect.Value {
	index, ok := s.fields[name]
	if !ok {
		return reflect.Value{}
	}
	return s.value(v).Field(index)
}

// value returns what v, a pointer to the shape's type, points to.
func (s *Shape) value(v any) reflect.Value {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Type().Elem() != s.typ {
		panic(fmt.Sprintf("api: a %T given to the shape of %v", v, s.typ))
	}
	return p.Elem()
}

// absent reports whether the member was not given.
func absent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v.IsNil()
	default:
		return false
	}
}
