package policy

import "strings"

// A pattern is a string of a policy, cut where it is more than text.
type pattern []token

// A token is a part of a pattern.
type token struct {
	kind     tokenKind
	text     string
	of       *contextKey // of a variable: the condition key
	fallback string      // and the default value
	optional bool        // if it has one
}

type tokenKind uint8

const (
	literal  tokenKind = iota
	anyChar            // ?
	anyChars           // *
	variable           // ${name} or ${name, 'default'}
)

// A syntax says what is more than text in a string.
type syntax struct {
	wildcards bool
	variables bool
	colons    int // before the first variable
}

// tokenize cuts a string of a policy.
func (x syntax) tokenize(s string) (p pattern) {
	colons := 0
	for s != "" {
		t, rest := x.next(s, colons >= x.colons)
		if t.kind == literal {
			colons += strings.Count(t.text, ":")
		}
		p, s = p.with(t), rest
	}
	return p
}

// next returns the first token of a string that is not empty, and the rest.
func (x syntax) next(s string, variables bool) (token, string) {
	if x.variables && variables && strings.HasPrefix(s, "${") {
		if t, rest, ok := cutVariable(s[len("${"):]); ok {
			return t, rest
		}
	}
	switch {
	case x.wildcards && s[0] == '*':
		return token{kind: anyChars}, s[1:]
	case x.wildcards && s[0] == '?':
		return token{kind: anyChar}, s[1:]
	}
	n := 1 + strings.IndexAny(s[1:], "*?$")
	if n == 0 {
		n = len(s)
	}
	return token{text: s[:n]}, s[n:]
}

// with returns the pattern with a token more. Text joins text, and a * beside
// another adds nothing.
func (p pattern) with(t token) pattern {
	if n := len(p) - 1; n >= 0 && p[n].kind == t.kind {
		switch t.kind {
		case literal:
			p[n].text += t.text
			return p
		case anyChars:
			return p
		}
	}
	return append(p, t)
}

// cutVariable returns the variable that s, without its ${, begins with. What has
// not the form of one is text. Source: "IAM policy elements: Variables and tags",
// with the special characters ${*}, ${?} and ${$} and the default values.
func cutVariable(s string) (t token, rest string, ok bool) {
	for _, special := range []string{"*", "?", "$"} {
		if rest, ok := strings.CutPrefix(s, special+"}"); ok {
			return token{text: special}, rest, true
		}
	}
	end := strings.IndexAny(s, ",}")
	if end <= 0 {
		return token{}, s, false
	}
	of := findKey(strings.TrimSpace(s[:end]))
	t = token{kind: variable, of: &of}
	if s[end] == '}' {
		return t, s[end+1:], true
	}
	quoted, ok := strings.CutPrefix(strings.TrimLeft(s[end+1:], " "), "'")
	if !ok {
		return token{}, s, false
	}
	t.fallback, rest, t.optional = strings.Cut(quoted, "'}")
	return t, rest, t.optional
}

// is reports whether the pattern has a token of a kind.
func (p pattern) is(kind tokenKind) bool {
	for _, t := range p {
		if t.kind == kind {
			return true
		}
	}
	return false
}

// text returns the text of a pattern that is nothing more.
func (p pattern) text() (s string) {
	for _, t := range p {
		s += t.text
	}
	return s
}
