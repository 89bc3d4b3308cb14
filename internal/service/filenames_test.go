package service

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// prefixes begin the names of the files that are not operations.
var prefixes = []string{"explain", "gate", "identity", "key", "seed", "service", "session", "sweep"}

// maxFiles bounds the files that are not operations.
const maxFiles = 60

// A file name without a prefix is the name of an operation, and each operation has a file.
func TestFileNames(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".go"); ok && !strings.HasSuffix(name, "_test") {
			names = append(names, name)
		}
	}
	if others := len(names) - len(operations(true)); others > maxFiles {
		t.Errorf("%d files besides the operations, want at most %d: move some to a package of their own", others, maxFiles)
	}
	for _, problem := range misnamed(names, operations(true)) {
		t.Error(problem)
	}
}

// misnamed compares file names with the table of operations.
func misnamed(files []string, table map[string]Operation) (problems []string) {
	var expected []string
	for name := range table {
		expected = append(expected, strings.ToLower(name))
	}
	slices.Sort(expected)
	for _, name := range expected {
		if !slices.Contains(files, name) {
			problems = append(problems, name+".go is missing: each operation has a file of its name")
		}
	}
	for _, file := range files {
		prefix, _, prefixed := strings.Cut(file, "_")
		switch {
		case prefixed && !slices.Contains(prefixes, prefix):
			problems = append(problems, file+".go: unknown prefix "+prefix)
		case !prefixed && file != "doc" && !slices.Contains(expected, file):
			problems = append(problems, file+".go is not named after an operation: give the name a prefix")
		}
	}
	return problems
}

func TestMisnamedFilesAreFound(t *testing.T) {
	table := map[string]Operation{"CreateKey": {}, "Sign": {}}
	for _, test := range []struct {
		files []string
		wrong string
	}{
		{[]string{"createkey", "doc", "gate_do", "sign"}, ""},
		{[]string{"createkey", "sign", "helpers"}, "helpers.go is not named"},
		{[]string{"createkey", "sign", "util_helpers"}, "unknown prefix util"},
		{[]string{"createkey"}, "sign.go is missing"},
	} {
		got := strings.Join(misnamed(test.files, table), "\n")
		if (got == "") != (test.wrong == "") || !strings.Contains(got, test.wrong) {
			t.Errorf("%q: got %q, want %q", test.files, got, test.wrong)
		}
	}
}
