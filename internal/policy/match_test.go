package policy

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// definitionOf returns the meaning of a pattern as a regular expression.
func definitionOf(pattern string, d dialect) *regexp.Regexp {
	expression, colons := "", 0
	for i, c := range pattern {
		one := `[^:]`
		if d == anyText || colons >= 5 {
			one = "."
		}
		switch next := pattern[i+utf8.RuneLen(c):]; {
		case c == '*' && d == ofResource && (strings.Trim(next, "*") == "" || strings.TrimLeft(next, "*")[0] == ':'):
			expression += ".*"
		case c == '*':
			expression += one + "*"
		case c == '?':
			expression += one
		default:
			expression += regexp.QuoteMeta(string(c))
		}
		if c == ':' {
			colons++
		}
	}
	return regexp.MustCompile("(?s)^(?:" + expression + ")$")
}

// matchesDefinition compares the automaton for some patterns, one per line, with their definition.
func matchesDefinition(t *testing.T, lines, s string, d dialect) {
	t.Helper()
	patterns := strings.Split(lines, "\n")
	want := false
	for _, p := range patterns {
		if d == ofARN && p != "" && strings.Trim(p, "*") == "" {
			continue // cannot match six components
		}
		want = want || definitionOf(p, d).MatchString(s)
	}
	if d == ofARN && strings.Count(s, ":") < 5 && strings.ContainsAny(lines, "*?") {
		return // not an ARN
	}
	compiled := newPatterns(patterns, syntax{wildcards: true}, d)
	if got := compiled.match(s, nil) == yes; got != want {
		t.Errorf("%q on %q in dialect %d: %v, want %v", patterns, s, d, got, want)
	}
}

// seeds are pairs of patterns and texts.
var seeds = [][2]string{
	{"", ""}, {"*", ""}, {"**", "ab"}, {"a*", "a"}, {"*b", "aab"}, {"a*b*c", "aXbXbc"}, {"?", "a"}, {"?*", "a"}, {"*a*a", "aaa"},
	{"", "a"}, {"?", ""}, {"a", ""}, {"a", "ab"}, {"a*b", "ac"}, {"*?b", "b"}, {"[a]", "a"}, {".", "a"},
	{strings.Repeat("*a", 30) + "b", strings.Repeat("a", 60)}, {strings.Repeat("*a", 30), strings.Repeat("a", 60)},
	{"?", "ä"}, {"??", "ä"}, {"?", "😀"}, {"*?", "a😀"}, {"ä*", "äö"}, {"*ö?ü", "öööaü"}, {"a?ö", "aäö"}, {"?ö", "äö"},
	{"a\n*b\n?c", "xc"}, {"kms:*\ns3:Get?*", "s3:GetX"}, {strings.Repeat("a", 70) + "?*z", strings.Repeat("a", 71) + "z"},
	{strings.Repeat("?", 64), strings.Repeat("x", 64)}, {strings.Repeat("?", 63), strings.Repeat("x", 63)}, {strings.Repeat("?", 64) + "*", strings.Repeat("x", 63)},
	{"arn:aws:kms:*:111122223333:key/*", keyARN}, {"arn:aws:kms:*", keyARN}, {"arn:*:key/*", keyARN}, {"arn:aws:kms:eu*3:key/*", keyARN},
	{"arn:aws:*s:*:*:key/?*", keyARN}, {"*:*:*:*:*:*", keyARN}, {"*:*", keyARN}, {"a:b:c:d:e:f*g?h", "a:b:c:d:e:f:g:h"}, {"a:b:c:d:e*:f", "a:b:c:d:e:x:f"},
}

func TestMatch(t *testing.T) {
	for _, s := range seeds {
		for _, d := range []dialect{anyText, ofResource, ofARN} {
			matchesDefinition(t, s[0], s[1], d)
		}
	}
}

// FuzzMatch compares the automaton with the definition.
func FuzzMatch(f *testing.F) {
	for i, s := range seeds {
		f.Add(s[0], s[1], uint8(i))
	}
	f.Fuzz(func(t *testing.T, lines, s string, d uint8) {
		if len(lines) > 900 || !utf8.ValidString(lines) || !utf8.ValidString(s) {
			t.Skip()
		}
		matchesDefinition(t, lines, s, dialect(d%3))
	})
}
