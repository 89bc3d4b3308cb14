package keyhold_test

import (
	"path"
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
	_, text := repository(t)
	found := 0
	for name, content := range text {
		if !slices.Contains([]string{".md", ".sh", ".txtar", ".go"}, path.Ext(name)) || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range blobParameter.FindAllStringSubmatch(content, -1) {
			if found++; !strings.HasPrefix(m[1], "fileb://") {
				t.Errorf("%s: %s: write it as fileb://FILE", name, m[0])
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
