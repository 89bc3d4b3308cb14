package policy

import (
	"strings"
	"testing"
	"unicode"
)

// Actions are compared in lower case.
func TestLowerCaseOfActions(t *testing.T) {
	if got := string(appendLower([]byte("A"), "kms:AZaz@[`{09")); got != "Akms:azaz@[`{09" {
		t.Errorf("got %s", got)
	}
}

// Characters that differ only by case fold to the same character, and others do not.
func TestFold(t *testing.T) {
	for c := rune(0); c <= unicode.MaxRune; c++ {
		if c >= 0xD800 && c < 0xE000 {
			continue // surrogates are not characters
		}
		if f := fold(c); f != fold(unicode.SimpleFold(c)) || !strings.EqualFold(string(c), string(f)) {
			t.Errorf("%U folds to %U", c, f)
		}
	}
	if got := Fold("Umläut \u00dc\u212a\u017f\u0131\u0130"); got != "umläut üks\u0131\u0130" {
		t.Errorf("%q", got)
	}
}
