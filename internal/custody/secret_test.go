package custody

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestPlacesOfSecrets(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/root", []byte("text"), 0o400); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
	for _, place := range []string{"credential:root", folder + "/root"} {
		if text, err := readSecret("the secret", place); string(text) != "text" || err != nil {
			t.Errorf("%s: %q, %v", place, text, err)
		}
	}
	for place, want := range map[string]string{
		"credential:other":      "no such file",
		"credential:":           "is not the name of a credential",
		"credential:../x":       "is not the name of a credential",
		"credential:a/b":        "is not the name of a credential",
		"fd:":                   "is not a file descriptor",
		"fd:-1":                 "is not a file descriptor",
		"fd:x":                  "is not a file descriptor",
		"fd:70000":              "is not a file descriptor",
		"fd:999":                "read the secret from fd:999",
		folder + "/no-such":     "no such file",
		folder:                  "the secret",
		"credential:root\x00no": "",
	} {
		if text, err := readSecret("the secret", place); text != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v", place, text, err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", "")
	if _, err := readSecret("the secret", "credential:root"); err == nil || !strings.Contains(err.Error(), "LoadCredential=") {
		t.Errorf("without systemd: %v", err)
	}
}

// A secret of up to 4,096 bytes is read from a file descriptor to its end.
func TestDescriptors(t *testing.T) {
	for size, want := range map[int]string{0: "", 1: "", 4096: "", 4097: "it is too long"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(strings.Repeat("x", size))); err != nil {
			t.Fatal(err)
		}
		w.Close()
		number, err := syscall.Dup(int(r.Fd())) // readSecret closes it
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		text, err := readSecret("the secret", fmt.Sprintf("fd:%d", number))
		if want == "" && (err != nil || len(text) != size) || want != "" && (text != nil || err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d bytes: %d, %v", size, len(text), err)
		}
	}
}
