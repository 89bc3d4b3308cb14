package sigv4

import (
	"bytes"
	"strings"
)

// A Request is the head of an HTTP/1.1 request: everything except the body.
type Request struct {
	Method string
	Target string // in the request line: "/"
	Header Header
}

// A Header contains the fields of a request in the order received.
type Header []Field

// A Field is a line of a Header. Name is in lower case, the form that is signed. Value has no white
// space around it.
type Field struct{ Name, Value string }

// ParseHeader parses the header lines of a request in the order received. The caller has checked
// that the lines are well-formed. ParseHeader refuses more than most lines, and folded lines,
// because parsers interpret them differently ("obs-fold" in RFC 9112, section 5.2).
func ParseHeader(lines []byte, most int) (Header, bool) {
	n := bytes.Count(lines, []byte("\n"))
	if n > most+1 { // the last line is empty
		return nil, false
	}
	h := make(Header, 0, n)
	var text strings.Builder // the text of all fields, in one allocation
	text.Grow(len(lines))
	for len(lines) > 0 {
		line, rest, _ := bytes.Cut(lines, []byte("\n"))
		lines = rest
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
			continue
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return nil, false
		}
		begin := text.Len()
		for _, c := range name {
			switch {
			case c == ' ' || c == '\t':
				return nil, false
			case 'A' <= c && c <= 'Z':
				c += 'a' - 'A'
			}
			text.WriteByte(c)
		}
		text.Write(bytes.Trim(value, " \t"))
		field := text.String()[begin:]
		h = append(h, Field{field[:len(name)], field[len(name):]})
	}
	return h, true
}

// First returns the value of the first field of a name, and whether there is one.
func (h Header) First(name string) (string, bool) {
	for i := range h {
		if h[i].Name == name {
			return h[i].Value, true
		}
	}
	return "", false
}

// Get returns the value of the first field of a name, or "".
func (h Header) Get(name string) string {
	value, _ := h.First(name)
	return value
}

// hasSeveral reports whether there are several fields of a name.
func (h Header) hasSeveral(name string) bool {
	n := 0
	for i := range h {
		if h[i].Name == name {
			n++
		}
	}
	return n > 1
}
