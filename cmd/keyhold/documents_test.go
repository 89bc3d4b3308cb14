package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// blobParameter is a parameter of the AWS CLI that takes bytes, and its value.
var blobParameter = regexp.MustCompile(`--(?:plaintext|message|mac|signature|ciphertext-blob|public-key|import-token|encrypted-key-material)[ =]["']?(\S+)`)

// Bytes in a command line are text for version 1 of the AWS CLI, and base64 for version 2.
// So commands that people copy read bytes from files, which mean the same for both.
func TestCommandsReadBytesFromFiles(t *testing.T) {
	found := 0
	for file, text := range documents(t) {
		for _, m := range blobParameter.FindAllStringSubmatch(text, -1) {
			if found++; !strings.HasPrefix(m[1], "fileb://") {
				t.Errorf("%s: %s: write it as fileb://FILE", file, m[0])
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d parameters were found: does the test look at everything?", found)
	}
	for _, bad := range []string{"--plaintext aGVsbG8K", `--message "hello"`, "--mac=AAAA"} {
		if m := blobParameter.FindStringSubmatch(bad); m == nil || strings.HasPrefix(m[1], "fileb://") {
			t.Errorf("%q passes", bad)
		}
	}
}

// documents returns what people copy commands from: documents, examples, stories, and the
// program's own texts.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", ".build", "bin", "node_modules", "target"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".md", ".sh", ".txtar", ".go"}, filepath.Ext(path)) || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		all[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
