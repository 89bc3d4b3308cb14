package policy

import (
	"slices"
	"strings"
	"unicode/utf8"
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

// maxWork bounds what the patterns with variables, and those without regard to case,
// may cost in one decision: about as many words moved, in a few milliseconds. All
// others are bounded by the size of a policy.
const maxWork = 1 << 20

// lookup is the work of asking for the value of a variable.
const lookup = 64

// matchOpen matches a pattern after its variables are replaced. Wildcards in
// their values are text. One with a variable that has no value matches nothing,
// and the others of its list go on. Source: "IAM policy elements: Variables and
// tags", "Policy variables with no value": "There is no equal or like value", so
// that "inverted condition operators like StringNotEquals or StringNotLike match
// against a null value"; and in Resource or NotResource "the resource that includes
// a policy variable with no value will not match any resource".
func (e *evaluation) matchOpen(open pattern, s string, d dialect) outcome {
	length, ok := e.lengthOf(open)
	switch {
	case e.work > maxWork:
		return unclear
	case !ok:
		return no
	case d == anyCase:
		return e.matchFolded(open, s, length)
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

// lengthOf returns how long a text that matches is at least, if each variable has a
// value.
func (e *evaluation) lengthOf(open pattern) (n int, ok bool) {
	e.work += lookup * len(open)
	for _, t := range open {
		text, ok := e.valueOf(t)
		if !ok {
			return 0, false
		}
		n += len(text)
		if t.kind == anyChar {
			n++
		}
	}
	return n, true
}

// mayFold reports whether there is work left to fold so many bytes, each of which
// costs several times as much as others.
func (e *evaluation) mayFold(bytes int) bool {
	e.work += 4 * bytes
	return e.work <= maxWork
}

// matchFolded matches a pattern without wildcards with a text that is folded. So the
// values of variables are folded as well.
func (e *evaluation) matchFolded(open pattern, s string, length int) outcome {
	if !e.mayFold(min(length, len(s))) {
		return unclear
	}
	for _, t := range open {
		text, _ := e.valueOf(t)
		for _, c := range text {
			have, n := utf8.DecodeRuneInString(s)
			if n == 0 || have != fold(c) {
				return no
			}
			s = s[n:]
		}
	}
	return answer(s == "")
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

// valueOf returns the text of a token, which a variable may lack.
func (e *evaluation) valueOf(t token) (string, bool) {
	if t.kind != variable {
		return t.text, true
	}
	if value, ok := e.value(t.of); ok {
		return value, true
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
