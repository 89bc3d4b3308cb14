package policy

import (
	"strings"
	"unicode/utf8"
)

// matchOpen matches a pattern after replacing its variables. Wildcards in the values of variables are literal
// text. A pattern with a variable that has no value matches nothing; the other patterns of its list are
// unaffected. Source: "IAM policy elements: Variables and tags", "Policy variables with no value": "There is no
// equal or like value", so that "inverted condition operators like StringNotEquals or StringNotLike match
// against a null value"; and in Resource or NotResource "the resource that includes a policy variable with no
// value will not match any resource".
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
	return answer(newAutomaton([]pattern{e.substitute(open)}, d).match(s))
}

// lengthOf returns the minimum length of a matching text if each variable has one value. If a variable has no
// value, the outcome is "no". If a variable has several values, or too little work is left to find out, it is
// "unclear".
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

// matchFolded matches a pattern without wildcards against folded text. It therefore also folds the values of
// variables.
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

// isText reports whether a pattern without wildcards equals s.
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

// substitute replaces the variables of a pattern.
func (e *evaluation) substitute(open pattern) pattern {
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

// substitute returns a copy with the variables replaced, for comparison with many values.
func (w *operands) substitute(e *evaluation) *operands {
	strings := w.strings
	strings.open, strings.closed = nil, e.substituteAll(&w.strings)
	return &operands{strings: strings}
}

// substituteAll returns the patterns that have variables, with the variables replaced.
func (e *evaluation) substituteAll(p *patterns) *patterns {
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
			all = append(all, e.substitute(o))
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

// valueOf returns the text of a token. If a variable has no value, the outcome is "no". If its condition key is
// for one value but has several, it is "unclear".
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
