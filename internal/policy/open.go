package policy

import (
	"strings"
	"unicode/utf8"
)

// matchOpen matches a pattern after its variables are replaced. Wildcards in
// their values are text. One with a variable that has no value matches nothing,
// and the others of its list go on. Source: "IAM policy elements: Variables and
// tags", "Policy variables with no value": "There is no equal or like value", so
// that "inverted condition operators like StringNotEquals or StringNotLike match
// against a null value"; and in Resource or NotResource "the resource that includes
// a policy variable with no value will not match any resource".
func (e *evaluation) matchOpen(open pattern, s string, d dialect) outcome {
	length, is := e.lengthOf(open)
	switch {
	case is != yes:
		return is
	case d == anyCase:
		return e.matchFolded(open, s, length)
	case length > len(s):
		return no
	case !open.is(anyChar) && !open.is(anyChars):
		return answer(e.isText(open, s))
	}
	words := length/64 + 1
	if !e.spend(buildCost*words + closeCost*length + len(s)*(4+words)) {
		return unclear
	}
	return answer(newAutomaton([]pattern{e.close(open)}, d).match(s))
}

// lengthOf returns how long a text that matches is at least, if each variable has one
// value: no if one has none, and unclear if one has several, or if there is no time to
// ask.
func (e *evaluation) lengthOf(open pattern) (n int, is outcome) {
	is = yes
	for _, t := range open {
		if t.kind == variable && !e.spend(askCost) {
			return 0, unclear
		}
		text, known := e.valueOf(t)
		switch known {
		case no:
			return 0, no
		case unclear:
			is = unclear
		}
		n += len(text)
		if t.kind == anyChar {
			n++
		}
	}
	return n, is
}

// matchFolded matches a pattern without wildcards with a text that is folded. So the
// values of variables are folded as well.
func (e *evaluation) matchFolded(open pattern, s string, length int) outcome {
	if !e.spend(foldCost * min(length, len(s))) {
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

// closed returns the wanted with the variables replaced, to be compared with many
// values.
func (w *wanted) closed(e *evaluation) *wanted {
	strings := w.strings
	strings.open, strings.closed = nil, e.closed(&w.strings)
	return &wanted{strings: strings}
}

// closed returns the patterns that have variables, with the variables replaced.
func (e *evaluation) closed(p *patterns) *patterns {
	var all []pattern
	doubt := false
	for _, o := range p.open {
		length, is := e.lengthOf(o)
		cost := buildCost + closeCost*length
		if p.how == anyCase {
			cost += foldCost * length
		}
		if is == yes && !e.spend(cost) {
			is = unclear
		}
		switch is {
		case yes:
			all = append(all, e.close(o))
		case unclear:
			doubt = true
		}
	}
	if p.how == anyCase {
		for i, o := range all {
			all[i] = pattern{token{text: Fold(o.text())}}
		}
	}
	c := compilePatterns(all, p.how)
	c.unclear = doubt
	return &c
}

// valueOf returns the text of a token. A variable may lack one, and which one it has is
// unclear where its condition key has several values though it is for one.
func (e *evaluation) valueOf(t token) (string, outcome) {
	if t.kind != variable {
		return t.text, yes
	}
	value, is := e.value(t.of)
	if is == no && t.optional {
		return t.text, yes
	}
	return value, is
}
