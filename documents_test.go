package keyhold_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A tree is what documents are compared with: the tracked files, the targets of the
// Makefile, the names of tests and the identifiers of the code.
type tree struct {
	files       map[string]bool // and folders, from the root of the repository
	names       map[string]bool // the last elements of files
	targets     map[string]bool
	tests       map[string]bool
	identifiers map[string]bool
}

func newTree() tree {
	return tree{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
}

var (
	conflictMarker = regexp.MustCompile(`(?m)^(<{7} |>{7} |={7}$)`)
	makeTarget     = regexp.MustCompile(`(?m)^([a-z-]+):`)
	targetName     = regexp.MustCompile(`^[a-z-]+$`)
	variable       = regexp.MustCompile(`[A-Z]+=('[^']*'|"[^"]*"|\S*)`)
	testFunction   = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark|Example)\w*)\(`)
	testName       = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)[A-Z]\w*$`)
	codeSpan       = regexp.MustCompile("`([^`\n]+)`")
	link           = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading        = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fileName       = regexp.MustCompile(`^[\w./-]+\.(?:go|md|sh|py|js|toml|txtar|txt|json|svg)$`)
	folderName     = regexp.MustCompile(`^[a-z][a-z0-9_-]*(?:/[a-z0-9_-]+)+/?$`)
	qualifiedName  = regexp.MustCompile(`^[A-Za-z]\w*(?:\.[A-Za-z]\w*)*\.([A-Za-z]\w*)(?:\(\w*\))?$`)
	unexportedName = regexp.MustCompile(`^[a-z]+[A-Z]\w*$`)
)

// repository reads the tracked files.
func repository(t *testing.T) (all tree, text map[string]string) {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Skip("this is not a git checkout, so there is no list of files")
	}
	all = newTree()
	text = map[string]string{}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // deleted and not committed yet
		}
		text[name] = string(b)
		all.add(name, string(b))
	}
	return all, text
}

// add notes a file of the repository.
func (a tree) add(name, text string) {
	a.names[path.Base(name)] = true
	for at := name; at != "."; at = path.Dir(at) {
		a.files[at] = true
	}
	if name == "Makefile" {
		for _, m := range makeTarget.FindAllStringSubmatch(text, -1) {
			a.targets[m[1]] = true
		}
	}
	if strings.HasSuffix(name, ".go") {
		for _, word := range strings.FieldsFunc(text, func(r rune) bool {
			return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			a.identifiers[word] = true
		}
	}
	if strings.HasSuffix(name, "_test.go") {
		for _, m := range testFunction.FindAllStringSubmatch(text, -1) {
			a.tests[m[1]] = true
		}
	}
}

// faults returns what a document promises and the tree does not have. documents are all
// documents, by name.
func (a tree) faults(name string, documents map[string]string) (all []string) {
	text := documents[name]
	for _, m := range link.FindAllStringSubmatch(text, -1) {
		if fault := a.checkLink(name, m[1], documents); fault != "" {
			all = append(all, fault)
		}
	}
	for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
		if fault := a.checkSpan(name, m[1]); fault != "" {
			all = append(all, fault)
		}
	}
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(line, "    make "); ok {
			all = append(all, a.checkTargets(command)...)
		}
		if strings.Count(line, "`")%2 != 0 && !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "```") {
			all = append(all, "code is broken over two lines: "+strings.TrimSpace(line))
		}
	}
	return all
}

// checkLink checks a link within the repository, and its anchor.
func (a tree) checkLink(name, to string, documents map[string]string) string {
	if strings.Contains(to, "://") {
		return ""
	}
	file, anchor, anchored := strings.Cut(to, "#")
	target := name
	if file != "" {
		target = path.Join(path.Dir(name), file)
	}
	if !a.files[target] {
		return fmt.Sprintf("the link to %s leads nowhere", to)
	}
	if anchored && !slices.Contains(anchors(documents[target]), anchor) {
		return fmt.Sprintf("%s has no heading for the link to %s", target, to)
	}
	return ""
}

// anchors returns the anchors of a document's headings, as forges make them.
func anchors(text string) (all []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		kept := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
				return r
			}
			return -1
		}, strings.ToLower(m[1]))
		all = append(all, kept)
	}
	return all
}

// checkSpan checks a piece of code in a sentence: a make target, a test, a file, a folder
// or a name of the code.
func (a tree) checkSpan(name, span string) string {
	if command, ok := strings.CutPrefix(span, "make "); ok {
		return strings.Join(a.checkTargets(command), "; ")
	}
	if testName.MatchString(span) && !a.tests[span] {
		return fmt.Sprintf("there is no test %s", span)
	}
	if fileName.MatchString(span) {
		if !a.hasFile(name, span) {
			return fmt.Sprintf("there is no file %s", span)
		}
		return ""
	}
	if folderName.MatchString(span) && a.beginsInTree(span) && !a.hasFile(name, span) {
		return fmt.Sprintf("there is no folder %s", span)
	}
	if m := qualifiedName.FindStringSubmatch(span); m != nil && !a.names[span] && !a.identifiers[m[1]] {
		return fmt.Sprintf("the code has no name %s", span)
	}
	if unexportedName.MatchString(span) && !a.identifiers[span] {
		return fmt.Sprintf("the code has no name %s", span)
	}
	return ""
}

// beginsInTree reports whether the first element of a path is a folder of the repository, or
// of internal.
func (a tree) beginsInTree(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return a.files[first] || a.files[path.Join("internal", first)]
}

// hasFile reports whether there is a file that a document names from the root, from its
// own folder, from internal, or by its last element alone.
func (a tree) hasFile(document, name string) bool {
	if !strings.Contains(name, "/") {
		return a.names[name]
	}
	return a.files[path.Clean(name)] || a.files[path.Join(path.Dir(document), name)] || a.files[path.Join("internal", name)]
}

// checkTargets checks the targets in the words after make.
func (a tree) checkTargets(command string) (all []string) {
	for word := range strings.FieldsSeq(variable.ReplaceAllString(command, "")) {
		if !targetName.MatchString(word) { // the rest is a value, or a comment
			break
		}
		if !a.targets[word] {
			all = append(all, fmt.Sprintf("the Makefile has no target %s", word))
		}
	}
	return all
}

// examples are names of files that documents invent, of files that programs make, and of
// settings of other programs.
var examples = strings.Fields(`
	material.bin params.json wrapped.json hello.txt server.pem identities.toml seed.toml keyhold.toml signing.pem audit.log policy.json
	setup.txt recipients.txt
	aws.endpointUrlKms monitoring.namespaceLabels
`)

// recordPaths are paths of records that begin with the name of a folder.
var recordPaths = strings.Fields(`cluster/level reseal/this`)

func TestDocuments(t *testing.T) {
	all, text := repository(t)
	for _, path := range recordPaths {
		all.files[path] = true
	}
	for _, name := range examples {
		all.names[name] = true
	}
	for name, content := range text {
		if conflictMarker.MatchString(content) {
			t.Errorf("%s has a conflict marker", name)
		}
		if isBinary(name, content) {
			t.Errorf("%s is not text: remove the file, and build programs into bin", name)
		}
		if filepath.Ext(name) != ".md" {
			continue
		}
		for _, fault := range all.faults(name, text) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// isBinary reports whether a file is not text although it is neither the data of a test nor a picture of a document.
func isBinary(name, content string) bool {
	isPicture := strings.HasPrefix(name, "docs/") && strings.HasPrefix(content, "\x89PNG\r\n\x1a\n")
	return !utf8.ValidString(content) && !isPicture && !strings.Contains("/"+name, "/testdata/")
}

func TestIsBinary(t *testing.T) {
	for name, want := range map[string]bool{"cmd/keyhold/keyhold": true, "docs/a.png": true, "internal/a/testdata/key.der": false} {
		if isBinary(name, "\x7fELF\xff") != want || isBinary(name, "é\n") {
			t.Errorf("%s: want %v for a program, and false for text", name, want)
		}
	}
	const picture = "\x89PNG\r\n\x1a\n\xff"
	if isBinary("docs/a.png", picture) || !isBinary("a.png", picture) {
		t.Error("only documents have pictures")
	}
}

// Each kind of fault is found, and right text is not reported.
func TestFaultsOfDocuments(t *testing.T) {
	all := newTree()
	all.add("Makefile", "test: deps\n\tgo test\n")
	all.add("docs/page.md", "")
	all.add("internal/key/key.go", "package key\n\nfunc (k Key) At(now time.Time) {}\n")
	all.add("internal/key/key_test.go", "func TestKey(t *testing.T) {}\n")
	for text, want := range map[string]string{
		"`make test`, [a](page.md#the-first-one), `TestKey`, `key/key.go`, `key.go`\n\n    make test\n": "",
		"`make tests`":                "the Makefile has no target tests",
		"`make test A='-x y'`":        "",
		"run\n\n    make A=1 lint\n":  "the Makefile has no target lint",
		"[a](pages.md)":               "the link to pages.md leads nowhere",
		"[a](../internal/key/key.go)": "",
		"[a](page.md#second)":         "docs/page.md has no heading for the link to page.md#second",
		"[a](#own)":                   "docs/other.md has no heading for the link to #own",
		"`TestKeys`":                  "there is no test TestKeys",
		"`internal/key/keys.go`":      "there is no file internal/key/keys.go",
		"`keys.go`":                   "there is no file keys.go",
		"`internal/key`, `key/`, `no/such`, `grant/ACCOUNT`": "",
		"`internal/keys`":             "there is no folder internal/keys",
		"`key/states`":                "there is no folder key/states",
		"`Key.At(now)`, `key.Key.At`": "",
		"`make\ntest`":                "code is broken over two lines: `make; code is broken over two lines: test`",
		"`keyTable`":                  "the code has no name keyTable",
		"`Key.Before`":                "the code has no name Key.Before",
		"[a](https://example.com/x)":  "",
	} {
		all.add("docs/other.md", "")
		documents := map[string]string{"docs/page.md": "# Page\n\n## The \"first\" one\n", "docs/other.md": text}
		if got := strings.Join(all.faults("docs/other.md", documents), "; "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if !conflictMarker.MatchString("a\n"+"<<<<<<<"+" HEAD\n") || conflictMarker.MatchString("Title\n========\n") {
		t.Error("a conflict marker is not distinguished from a line under a title")
	}
}
