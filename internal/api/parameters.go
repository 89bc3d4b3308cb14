package api

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/keyhold/keyhold/internal/quote"
)

// Parameters returns the members of v that an audit event may contain in the form of a JSON object without
// white space. v is a pointer to the shape's type. Names are in lower camel case. Blobs, sensitive members and
// absent members are left out. Times are RFC 3339 strings. Equal values give equal bytes. Invalid UTF-8 becomes
// U+FFFD.
func (s *Shape) Parameters(v any) []byte {
	return s.appendParameters(make([]byte, 0, 512), s.value(v))
}

func (s *Shape) appendParameters(b []byte, v reflect.Value) []byte {
	b = append(b, '{')
	for i := range s.members {
		m := &s.members[i]
		f := v.Field(m.index)
		if m.sensitive || isBlob(f.Type()) || isAbsent(f) {
			continue
		}
		b = appendName(b, m.name)
		b = m.appendParameter(b, reflect.Indirect(f))
	}
	return append(b, '}')
}

func (m *member) appendParameter(b []byte, v reflect.Value) []byte {
	if t, ok := reflect.TypeAssert[Timestamp](v); ok {
		return quote.Append(b, t.String())
	}
	switch v.Kind() {
	case reflect.Struct:
		return m.nested.appendParameters(b, v)
	case reflect.Slice:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = m.appendParameter(b, v.Index(i))
		}
		return append(b, ']')
	case reflect.Map:
		return appendMap(b, v.Interface().(map[string]string))
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.String:
		return quote.Append(b, v.String())
	}
	return strconv.AppendInt(b, v.Int(), 10)
}

func appendMap(b []byte, m map[string]string) []byte {
	b = append(b, '{')
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, k := range names {
		b = quote.Append(appendName(b, k), m[k])
	}
	return append(b, '}')
}

// appendName appends a name to an unfinished object.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(quote.Append(b, name), ':')
}
