package api

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Recall fills v, a pointer to a zero value of the shape's type, from the result of Parameters. Blobs and
// sensitive members stay absent. So do members of which an event keeps only length and SHA-256; Recall returns
// their names as notKept.
func (s *Shape) Recall(parameters []byte, v any) (notKept []string, err error) {
	var values map[string]jsontext.Value
	if err := json.Unmarshal(parameters, &values); err != nil {
		return nil, fmt.Errorf("api: decode parameters: %w", err)
	}
	for name, text := range values {
		if name == notKeptName || hasOnly(text, notKeptName) {
			notKept = append(notKept, name)
			delete(values, name)
		}
	}
	slices.Sort(notKept)
	return notKept, s.recall(values, s.value(v))
}

// CheckRecalled returns an error if v, which Recall has read, lacks a required member that the event of a valid request
// has. Blobs and sensitive members are in no event.
func (s *Shape) CheckRecalled(v any) error { return s.checkRecalled("", s.value(v)) }

func (s *Shape) checkRecalled(prefix string, v reflect.Value) error {
	for i := range s.members {
		m := &s.members[i]
		f := v.Field(m.index)
		switch {
		case m.sensitive || isBlob(f.Type()):
		case isAbsent(f) && m.required:
			return fmt.Errorf("api: parameter %s%s is missing", prefix, m.name)
		case isAbsent(f) || m.nested == nil:
		default:
			if err := m.checkRecalled(prefix+m.name, reflect.Indirect(f)); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkRecalled checks the structs of a member.
func (m *member) checkRecalled(at string, v reflect.Value) error {
	if v.Kind() == reflect.Struct {
		return m.nested.checkRecalled(at+".", v)
	}
	for i := range v.Len() {
		if err := m.nested.checkRecalled(fmt.Sprintf("%s.%d.", at, i+1), v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// The names of members in objects that replace long values in an event (package audit). Members of requests are
// not objects with such a member, except for maps, whose values are strings.
const (
	notKeptName = "notKept" // an object with length and SHA-256
	encodedName = "base64"  // a string
)

// hasOnly reports whether a value is an object with a single member that has this name and is an object.
func hasOnly(value jsontext.Value, name string) bool {
	var members map[string]map[string]jsontext.Value
	return value.Kind() == jsontext.KindBeginObject && json.Unmarshal(value, &members) == nil && len(members) == 1 &&
		members[name] != nil
}

func (s *Shape) recall(values map[string]jsontext.Value, v reflect.Value) error {
	for i := range s.members {
		m := &s.members[i]
		text, ok := values[m.name]
		if !ok {
			continue
		}
		if err := m.read(text, v.Field(m.index)); err != nil {
			return fmt.Errorf("api: parameter %s: %w", m.name, err)
		}
	}
	return nil
}

// recallStruct reads a struct.
func (s *Shape) recallStruct(text jsontext.Value, v reflect.Value) error {
	var values map[string]jsontext.Value
	if err := json.Unmarshal(text, &values); err != nil {
		return fmt.Errorf("api: decode parameters: %w", err)
	}
	return s.recall(values, v)
}

// read reads a member.
func (m *member) read(text jsontext.Value, f reflect.Value) error {
	switch {
	case f.Type() == reflect.TypeFor[*Timestamp]():
		var at time.Time
		err := json.Unmarshal(text, &at)
		f.Set(reflect.ValueOf(NewTimestamp(at)))
		return err
	case f.Type() == reflect.TypeFor[*string]() && text.Kind() == jsontext.KindBeginObject:
		return recallEncoded(text, f)
	case m.nested == nil:
		return json.Unmarshal(text, f.Addr().Interface())
	case isList(f.Type()):
		return m.recallList(text, f)
	}
	f.Set(reflect.New(f.Type().Elem()))
	return m.nested.recallStruct(text, f.Elem())
}

// recallEncoded reads a text that the event has in base64.
func recallEncoded(text jsontext.Value, f reflect.Value) error {
	var values map[string][]byte
	if err := json.Unmarshal(text, &values); err != nil {
		return err
	}
	decoded, ok := values[encodedName]
	if !ok || len(values) != 1 {
		return errors.New("not a text")
	}
	f.Set(reflect.ValueOf(new(string(decoded))))
	return nil
}

// recallList reads a list of structs.
func (m *member) recallList(text jsontext.Value, f reflect.Value) error {
	var elements []jsontext.Value
	if err := json.Unmarshal(text, &elements); err != nil {
		return err
	}
	f.Set(reflect.MakeSlice(f.Type(), len(elements), len(elements)))
	for i, e := range elements {
		if err := m.nested.recallStruct(e, f.Index(i)); err != nil {
			return err
		}
	}
	return nil
}
