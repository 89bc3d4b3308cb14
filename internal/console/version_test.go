package console

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A browser keeps the files of the current version. It asks again for the page, which names the version, for what the
// server computes, and for files of another version.
func TestVersion(t *testing.T) {
	s := newSite(t, Config{})
	for target, kept := range map[string]bool{
		"": false, "app.js": false, "index.html": false, "settings.json": false, "v-other/app.js": false,
		s.version + "/app.js": true, s.version + "/lib/api.js": true, s.version + "/": false,
		s.version + "/settings.json": false, s.version + "/remedies.json": false,
	} {
		r := s.Answer(Request{Method: "GET", Target: Path + target})
		if got := r.field("Cache-Control"); r.Status != 200 || len(got) != 1 || strings.Contains(got[0], "immutable") != kept {
			t.Errorf("%q: %d, %q", target, r.Status, got)
		}
	}
	changed, err := readFiles()
	if err != nil {
		t.Fatal(err)
	}
	before := versionOf(changed)
	if changed["lib/api.js"], err = newFile("lib/api.js", []byte("changed")); err != nil || versionOf(changed) == before {
		t.Error("a changed file leaves the version", err)
	}
}

var (
	importPattern  = regexp.MustCompile(`\bfrom\s*"(\.[^"]+)"`)
	preloadPattern = regexp.MustCompile(`<link rel="modulepreload" href="/console/VERSION/([^"]+)">`)
)

// The page names each module that its first view needs, so that the browser fetches all modules at once.
func TestPreloads(t *testing.T) {
	files, err := readFiles()
	if err != nil {
		t.Fatal(err)
	}
	needed := []string{"app.js"}
	for i := 0; i < len(needed); i++ {
		for _, m := range importPattern.FindAllStringSubmatch(string(files[needed[i]].content), -1) {
			if name := path.Join(path.Dir(needed[i]), m[1]); !slices.Contains(needed, name) {
				needed = append(needed, name)
			}
		}
	}
	named := []string{"app.js"}
	for _, m := range preloadPattern.FindAllStringSubmatch(string(files["index.html"].content), -1) {
		named = append(named, m[1])
	}
	slices.Sort(needed)
	slices.Sort(named)
	if !slices.Equal(needed, named) || len(named) < 10 {
		t.Errorf("index.html names the modules\n%q\nThe first view needs\n%q", named, needed)
	}
}
