package api

import "reflect"

// Parameters returns what an audit event may say of v, a pointer to the shape's
// type: each member that is there, under its name in lower camel case, without
// blobs and sensitive members. The values are strings, bools, integers,
// []string, map[string]string, and for nested members map[string]any and []any;
// a time is a string of RFC 3339. Lists and maps are those of v and must not be
// changed.
func (s *Shape) Parameters(v any) map[string]any {
	return s.parameters(s.value(v))
}

func (s *Shape) parameters(v reflect.Value) map[string]any {
	out := make(map[string]any)
	for i := range s.members {
		m := &s.members[i]
		f := v.Field(m.index)
		if m.sensitive || isBlob(f.Type()) || absent(f) {
			continue
		}
		out[m.name] = m.parameter(reflect.Indirect(f))
	}
	return out
}

func (m *member) parameter(v reflect.Value) any {
	switch {
	case m.nested != nil && v.Kind() == reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = m.nested.parameters(v.Index(i))
		}
		return list
	case m.nested != nil:
		return m.nested.parameters(v)
	}
	if t, ok := reflect.TypeAssert[Timestamp](v); ok {
		return t.String()
	}
	return v.Interface()
}
