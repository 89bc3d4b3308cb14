package policy

import "strings"

// A pattern is a string of a policy, split into tokens.
type pattern []token

// A token is a part of a pattern.
type token struct {
	kind     tokenKind
	optional bool        // the variable has a default value
	text     string      // literal text, or the default value of a variable
	of       *contextKey // condition key of a variable
}

type tokenKind uint8

const (
	literal  tokenKind = iota
	anyChar            // ?
	anyChars           // *
	variable           // ${name} or ${name, 'default'}
)

// A syntax defines which parts of a string are not literal text.
type syntax struct {
	wildcards bool
	variables *compiler // looks up condition keys; nil if there are no variables
	before    int       // number of colons before the first variable
}

// A cutter splits a string of a policy into tokens. It reads each byte only a few times, whatever the string
// is.
type cutter struct {
	syntax
	s            string
	at           int
	ends, quotes nextOf // ends of variable names and of default values
	without      int    // end of a name that is not followed by a default value
	colons       int
}

// nextOf finds the next occurrence of a text, and remembers it.
type nextOf struct{ at int }

// from returns the offset of the next occurrence at or after an offset, or the length of s.
func (n *nextOf) from(at int, s string, index func(string) int) int {
	if n.at < at {
		n.at = len(s)
		if i := index(s[at:]); i >= 0 {
			n.at = at + i
		}
	}
	return n.at
}

// tokenize splits a string of a policy into tokens.
func (x syntax) tokenize(s string) (p pattern) {
	c := cutter{syntax: x, s: s, ends: nextOf{-1}, quotes: nextOf{-1}, without: -1}
	begun := 0 // start of literal text
	for c.at < len(s) {
		here := c.at
		t, ok := c.special()
		if !ok {
			if s[here] == ':' {
				c.colons++
			}
			c.at = here + 1
			continue
		}
		p = p.withText(s[begun:here]).with(t)
		begun = c.at
	}
	return p.withText(s[begun:])
}

// special reads a wildcard or a variable, if there is one.
func (c *cutter) special() (t token, ok bool) {
	switch b := c.s[c.at]; {
	case c.wildcards && b == '*':
		c.at++
		return token{kind: anyChars}, true
	case c.wildcards && b == '?':
		c.at++
		return token{kind: anyChar}, true
	case b == '$' && c.variables != nil && c.variables.variables && c.colons >= c.before:
		return c.variable()
	}
	return token{}, false
}

// variable reads a variable. Text that does not have the form of a variable is literal. Source: "IAM policy
// elements: Variables and tags", including the special characters ${*}, ${?} and ${$} and default values.
func (c *cutter) variable() (t token, ok bool) {
	name := c.at + len("${")
	rest, ok := strings.CutPrefix(c.s[c.at:], "${")
	if !ok {
		return token{}, false
	}
	if len(rest) >= 2 && strings.Contains("*?$", rest[:1]) && rest[1] == '}' {
		c.at = name + 2
		return token{text: rest[:1]}, true
	}
	end := c.ends.from(name, c.s, func(s string) int { return strings.IndexAny(s, ",}") })
	if end == name || end == len(c.s) || end == c.without {
		return token{}, false
	}
	t, c.at = token{kind: variable}, end+1
	if c.s[end] == ',' {
		if t.text, ok = c.fallback(); !ok {
			c.without = end
			return token{}, false
		}
		t.optional = true
	}
	t.of = c.variables.key(strings.TrimSpace(c.s[name:end]))
	return t, true
}

// fallback reads a default value in quotes.
func (c *cutter) fallback() (string, bool) {
	rest := strings.TrimLeft(c.s[c.at:], " ")
	if !strings.HasPrefix(rest, "'") {
		return "", false
	}
	begun := len(c.s) - len(rest) + 1
	end := c.quotes.from(begun, c.s, func(s string) int { return strings.Index(s, "'}") })
	if end == len(c.s) {
		return "", false
	}
	c.at = end + len("'}")
	return c.s[begun:end], true
}

// with appends a token. It drops a * that follows another *.
func (p pattern) with(t token) pattern {
	if n := len(p) - 1; n >= 0 && t.kind == anyChars && p[n].kind == anyChars {
		return p
	}
	return append(p, t)
}

func (p pattern) withText(s string) pattern {
	if s == "" {
		return p
	}
	return append(p, token{text: s})
}

// is reports whether the pattern has a token of this kind.
func (p pattern) is(kind tokenKind) bool {
	for _, t := range p {
		if t.kind == kind {
			return true
		}
	}
	return false
}

// text returns the text of a pattern that consists of literals.
func (p pattern) text() string {
	if len(p) == 1 {
		return p[0].text
	}
	var all strings.Builder
	for _, t := range p {
		all.WriteString(t.text)
	}
	return all.String()
}
