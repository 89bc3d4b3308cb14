package policy

import (
	"slices"
	"strings"
)

// patterns are the strings of an element or condition. One of them has to match.
type patterns struct {
	all     bool       // one of them is *, which matches everything
	unclear bool       // the text of one of them cannot be determined
	exact   []string   // strings without wildcards and variables, sorted
	globs   *automaton // patterns with wildcards, or nil
	open    []pattern  // patterns with variables, whose values depend on the request
	closed  *patterns  // open with the variables replaced, or nil
	how     dialect
}

// newPatterns compiles strings of a policy.
func newPatterns(list []string, x syntax, d dialect) patterns {
	all := make([]pattern, len(list))
	for i, s := range list {
		all[i] = x.tokenize(s)
	}
	return compilePatterns(all, d)
}

func compilePatterns(list []pattern, d dialect) (p patterns) {
	p.how = d
	var globs []pattern
	for _, t := range list {
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
	p.exact = slices.Clip(slices.Compact(p.exact))
	if globs != nil {
		p.globs = newAutomaton(globs, d)
	}
	return p
}

// match reports whether one of the patterns matches all of s. The outcome is unclear if finding out exceeds the
// work limit.
func (p *patterns) match(s string, e *evaluation) outcome {
	if p.all {
		return yes
	}
	if !e.spend(p.cost(len(s))) {
		return unclear
	}
	return p.matchUncounted(s, e)
}

// matchUncounted is match without spending the cost, which the caller has spent.
func (p *patterns) matchUncounted(s string, e *evaluation) outcome {
	if p.all {
		return yes
	}
	if _, found := slices.BinarySearch(p.exact, s); found || p.globs != nil && p.globs.match(s) {
		return yes
	}
	is := no
	switch {
	case p.closed != nil:
		return p.closed.matchUncounted(s, e)
	case p.unclear:
		is = unclear
	}
	for _, o := range p.open {
		switch e.matchOpen(o, s, p.how) {
		case yes:
			return yes
		case unclear:
			is = unclear
		}
	}
	return is
}

// lower returns the strings in lower case.
func lower(list []string) []string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = strings.ToLower(s)
	}
	return all
}
