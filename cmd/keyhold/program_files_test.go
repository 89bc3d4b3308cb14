package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// prefixLine is a line about a prefix in the package comment.
var prefixLine = regexp.MustCompile(`(?m)^//\t([a-z]+) +\S`)

// A file name without a prefix is the name of a command, and each command has a file.
func TestFileNames(t *testing.T) {
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, _, _ := strings.Cut(string(source), "package main\n")
	var prefixes []string
	for _, m := range prefixLine.FindAllStringSubmatch(comment, -1) {
		prefixes = append(prefixes, m[1])
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range misnamed(files, commandNames(), prefixes) {
		t.Error(problem)
	}
}

// commandNames returns the names of the commands as files have them, without hyphens.
func commandNames() (names []string) {
	for _, c := range command().Commands() {
		names = append(names, strings.ReplaceAll(c.Name(), "-", ""))
	}
	return names
}

// misnamed compares file names with commands, and with the prefixes besides commands.
// It also finds prefixes that no file has.
func misnamed(files, commands, prefixes []string) (problems []string) {
	used := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimSuffix(file, ".go"), "_test")
		prefix, _, prefixed := strings.Cut(name, "_")
		used[prefix] = true
		switch {
		case slices.Contains(commands, prefix) || file == "main.go":
		case !prefixed:
			problems = append(problems, file+" is not named after a command: give the name a prefix")
		case !slices.Contains(prefixes, prefix):
			problems = append(problems, file+": unknown prefix "+prefix+": describe the prefix in the comment of main.go")
		}
	}
	for _, name := range commands {
		if !slices.Contains(files, name+".go") {
			problems = append(problems, name+".go is missing: each command has a file of its name")
		}
	}
	for _, prefix := range prefixes {
		if !used[prefix] {
			problems = append(problems, "no file has the prefix "+prefix)
		}
	}
	return problems
}

func TestMisnamedFilesAreFound(t *testing.T) {
	commands, prefixes := []string{"explain", "init"}, []string{"client"}
	for _, test := range []struct{ files, wrong string }{
		{"client_call.go explain.go explain_test.go explain_report.go init.go init_linux_test.go main.go", ""},
		{"client_call.go explain.go init.go helpers.go", "helpers.go is not named"},
		{"client_call.go explain.go init.go helpers_test.go", "helpers_test.go is not named"},
		{"client_call.go explain.go init.go util_helpers.go", "unknown prefix util"},
		{"client_call.go explain.go init_linux_test.go", "init.go is missing"},
		{"explain.go init.go", "no file has the prefix client"},
	} {
		got := strings.Join(misnamed(strings.Fields(test.files), commands, prefixes), "\n")
		if (got == "") != (test.wrong == "") || !strings.Contains(got, test.wrong) {
			t.Errorf("%s: got %q, want %q", test.files, got, test.wrong)
		}
	}
}
