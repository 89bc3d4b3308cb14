package api

import (
	"fmt"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Recall fills v, a pointer to a zero value of the shape's type, with what
// Parameters once told of it. Blobs and sensitive members are absent then.
func (s *Shape) Recall(parameters []byte, v any) error {
	return s.recall(parameters, s.value(v))
}

func (s *Shape) recall(parameters []byte, v reflect.Value) error {
	var told map[string]jsontext.Value
	if err := json.Unmarshal(parameters, &told); err != nil {
		return fmt.Errorf("api: no parameters: %w", err)
	}
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

// recall reads one member.
func (m *member) recall(text jsontext.Value, f reflect.Value) error {
	switch {
	case f.Type() == reflect.TypeFor[*Timestamp]():
		var at time.Time
		err := json.Unmarshal(text, &at)
		f.Set(reflect.ValueOf(NewTimestamp(at)))
		return err
	case m.nested == nil:
		return json.Unmarshal(text, f.Addr().Interface())
	case isList(f.Type()):
		return m.recallList(text, f)
	}
	f.Set(reflect.New(f.Type().Elem()))
	return m.nested.recall(text, f.Elem())
}

// recallList reads a list of structs.
func (m *member) recallList(text jsontext.Value, f reflect.Value) error {
	var elements []jsontext.Value
	if err := json.Unmarshal(text, &elements); err != nil {
		return err
	}
	f.Set(reflect.MakeSlice(f.Type(), len(elements), len(elements)))
	for i, e := range elements {
		if err := m.nested.recall(e, f.Index(i)); err != nil {
			return err
		}
	}
	return nil
}
