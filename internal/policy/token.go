package policy

import "strings"

// A pattern is a string of a policy, cut where it is more than text.
type pattern []token

// A token is a part of a pattern.
type token struct {
	kind     tokenKind
	optional bool        // of a variable: it has a default value
	text     string      // of a literal; of a variable, the default value
	of       *contextKey // of a variable: the condition key
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
	variables *compiler // that knows the condition keys; nil where there are no variables
	before    int       // colons before the first variable
}

// A cutter cuts a string of a policy. It reads each byte a few times at most, whatever
// the string is.
type cutter struct {
	syntax
	s            string
	at           int
	ends, quotes nextOf // of a name of a variable, and of a default value
	without      int    // the end of a name that no default value follows
	colons       int
}

// nextOf finds the next of some texts, which is looked for once.
type nextOf struct{ at int }

// from returns where the next is from an offset on, or the length of s.
func (n *nextOf) from(at int, s string, index func(string) int) int {
	if n.at < at {
		n.at = len(s)
		if i := index(s[at:]); i >= 0 {
			n.at = at + i
		}
	}
	return n.at
}

// tokenize cuts a string of a policy.
func (x syntax) tokenize(s string) (p pattern) {
	c := cutter{syntax: x, s: s, ends: nextOf{-1}, quotes: nextOf{-1}, without: -1}
	begun := 0 // of text
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

// variable reads a variable. What has not the form of one is text. Source: "IAM policy
// elements: Variables and tags", with the special characters ${*}, ${?} and ${$} and the
// default values.
func (c *cutter) variable() (t token, ok bool) {
	name := c.at + len("${")
	rest, ok := strings.CutPrefix(c.s[c.at:], "${")
	if !ok {
		return token{}, false
	}
	if len(rest) >= 2 && strings.IndexByte("*?$", rest[0]) >= 0 && rest[1] == '}' {
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

// with returns the pattern with one more token. A second * in a row adds nothing.
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
