package identity

import (
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
