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

// Recall fills v, a pointer to a zero value of the shape's type, with what
// Parameters once told of it. Blobs and sensitive members are absent then, and so are
// members of which an event keeps only the length and SHA-256 (notKept): their names
// are returned.
func (s *Shape) Recall(parameters []byte, v any) (notKept []string, err error) {
	var told map[string]jsontext.Value
	if err := json.Unmarshal(parameters, &told); err != nil {
		return nil, fmt.Errorf("api: no parameters: %w", err)
	}
	for name, text := range told {
		if name == lost || isOne(text, lost) {
			notKept = append(notKept, name)
			delete(told, name)
		}
	}
	slices.Sort(notKept)
	return notKept, s.recall(told, s.value(v))
}

// The members of the objects that stand in an event for a value that is too long
// (package audit). No member of a request is an object with such a member, but for
// maps, whose values are texts.
const (
	lost    = "notKept" // an object: the length and the SHA-256
	encoded = "base64"  // a text
)

// isOne reports whether a value is an object with one member of the name, which is an
// object.
func isOne(value jsontext.Value, name string) bool {
	var members map[string]map[string]jsontext.Value
	return value.Kind() == jsontext.KindBeginObject && json.Unmarshal(value, &members) == nil && len(members) == 1 && members[name] != nil
}

func (s *Shape) recall(told map[string]jsontext.Value, v reflect.Value) error {
	for i := range s.members {
		m := &s.members[i]
		text, ok := told[m.name]
		if !ok {
			continue
		}
		if err := m.recall(text, v.Field(m.index)); err != nil {
			return fmt.Errorf("api: parameter %s: %w", m.name, err)
		}
	}
	return nil
}

// recallNested reads a struct.
func (s *Shape) recallNested(text jsontext.Value, v reflect.Value) error {
	var told map[string]jsontext.Value
	if err := json.Unmarshal(text, &told); err != nil {
		return fmt.Errorf("api: no parameters: %w", err)
	}
	return s.recall(told, v)
}

// recall reads one member.
func (m *member) recall(text jsontext.Value, f reflect.Value) error {
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
	return m.nested.recallNested(text, f.Elem())
}

// recallEncoded reads a text that stands in the event in base64.
func recallEncoded(text jsontext.Value, f reflect.Value) error {
	var told map[string][]byte
	if err := json.Unmarshal(text, &told); err != nil {
		return err
	}
	decoded, ok := told[encoded]
	if !ok || len(told) != 1 {
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
		if err := m.nested.recallNested(e, f.Index(i)); err != nil {
			return err
		}
	}
	return nil
}
