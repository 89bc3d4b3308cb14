package policy

import (
	"slices"
	"strings"
)

// patterns are the strings of an element, or of a condition, of which one has to
// match.
type patterns struct {
	all   bool       // one of them is * and matches whatever there is
	exact []string   // those that are text, sorted
	globs *automaton // those with wildcards; nil for none
	open  []pattern  // those with variables, which are closed by a request
	how   dialect
}

// newPatterns compiles strings of a policy.
func newPatterns(list []string, x syntax, d dialect) (p patterns) {
	p.how = d
	var globs []pattern
	for _, s := range list {
		t := x.tokenize(s)
		switch {
		case d != ofARN && len(t) == 1 && t[0].kind == anyChars:
			p.all = true
		case t.is(variable):
			p.open = append(p.open, t)
		case t.is(anyChar) || t.is(anyChars):
			globs = append(globs, t)
		default:
			p.exact = append(p.exact, t.text())
		}
	}
	slices.Sort(p.exact)
	if globs != nil {
		p.globs = newAutomaton(globs, d)
	}
	return p
}

// match reports whether one of the patterns is all of s. It is unclear if it
// would take too long to find out.
func (p *patterns) match(s string, e *evaluation) outcome {
	if p.all {
		return yes
	}
	if _, found := slices.BinarySearch(p.exact, s); found || p.globs != nil && p.globs.match(s) {
		return yes
	}
	for _, o := range p.open {
		if is := e.matchOpen(o, s, p.how); is != no {
			return is
		}
	}
	return no
}

// resolved reports whether the request has a value for each variable.
func (p *patterns) resolved(e *evaluation) bool {
	for _, o := range p.open {
		for _, t := range o {
			if _, ok := e.valueOf(t); !ok {
				return false
			}
		}
	}
	return true
}

// maxWork bounds the words that the patterns with variables may move in one
// decision: a few milliseconds. All others are bounded by the size of a policy.
const maxWork = 1 << 20

// matchOpen matches a pattern after its variables are replaced. Wildcards in
// their values are text.
func (e *evaluation) matchOpen(open pattern, s string, d dialect) outcome {
	length := 0
	for _, t := range open {
		text, _ := e.valueOf(t)
		length += len(text)
	}
	switch {
	case length > len(s):
		return no
	case !open.is(anyChar) && !open.is(anyChars):
		return answer(e.isText(open, s))
	}
	e.work += (length/64 + 1) * (len(s) + 256)
	if e.work > maxWork {
		return unclear
	}
	return answer(newAutomaton([]pattern{e.close(open)}, d).match(s))
}

// isText reports whether a pattern without wildcards is s.
func (e *evaluation) isText(open pattern, s string) bool {
	for _, t := range open {
		text, _ := e.valueOf(t)
		if !strings.HasPrefix(s, text) {
			return false
		}
		s = s[len(text):]
	}
	return s == ""
}

// close replaces the variables of a pattern.
func (e *evaluation) close(open pattern) pattern {
	closed := make(pattern, 0, len(open))
	for _, t := range open {
		text, _ := e.valueOf(t)
		if t.kind == variable {
			t = token{text: text}
		}
		if t.kind != literal || t.text != "" {
			closed = closed.with(t)
		}
	}
	return closed
}

// valueOf returns the text of a token, which a variable may lack. Sources: "IAM
// policy elements: Variables and tags", and "Single-valued vs. multivalued
// context keys", by which what may have several values is no variable.
func (e *evaluation) valueOf(t token) (string, bool) {
	if t.kind != variable {
		return t.text, true
	}
	if values, known := e.values(t.of); known && len(values) == 1 && !t.of.Multi {
		return values[0], true
	}
	return t.fallback, t.optional
}

// lower returns the strings in lower case.
func lower(list []string) []string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = strings.ToLower(s)
	}
	return all
}
