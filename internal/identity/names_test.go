package identity

import (
	"regexp"
	"strings"
	"testing"
)

func TestValidPath(t *testing.T) {
	longest := "/" + strings.Repeat("x", maxPath-2) + "/"
	for path, want := range map[string]bool{
		"/": true, "/a/": true, "/a/b/": true, "/!~/": true, longest: true,
		"": false, "a": false, "/a": false, "a/": false, "//": false, "/a//b/": false, "/ /": false, "/\x7f/": false, "/é/": false,
		"/x" + longest[1:]: false,
	} {
		if ValidPath(path) != want {
			t.Errorf("%.20q of %d bytes: %v", path, len(path), !want)
		}
	}
}

// Names and the IDs of access keys have the characters of the IAM API, and no others.
func TestCharactersOfNames(t *testing.T) {
	name, word := regexp.MustCompile(`^[\w+=,.@-]$`), regexp.MustCompile(`^\w$`)
	for c := range 256 {
		text := string([]byte{byte(c)})
		if got := ValidName(text); got != name.MatchString(text) {
			t.Errorf("%q as a name: %v", text, got)
		}
		if got := isWord(byte(c)); got != word.MatchString(text) {
			t.Errorf("%q as a part of an ID: %v", text, got)
		}
	}
	if ValidName("") || !ValidName(strings.Repeat("x", maxUserName)) || ValidName(strings.Repeat("x", maxUserName+1)) {
		t.Error("the length of names is not limited as documented")
	}
}
