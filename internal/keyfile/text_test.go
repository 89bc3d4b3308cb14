package keyfile

import (
	"bytes"
	"testing"
)

// A text of a program on Windows becomes UTF-8, and other files stay as they are.
func TestTextsOfOtherPrograms(t *testing.T) {
	for from, want := range map[string]string{
		"": "", "text\n": "text\n", "\xef\xbb\xbftext": "text", "te\xef\xbb\xbfxt": "te\xef\xbb\xbfxt", "\xff\xfet\x00a\x00": "ta", "\xfe\xff\x00t\x00a": "ta", "t\x00a\x00": "ta",
		"\xff\xfet\x00\xe4\x00": "\xff\xfet\x00\xe4\x00", // not ASCII
		"\xff\x00\x01":          "\xff\x00\x01",
	} {
		content := []byte(from)
		if got := Text(content); string(got) != want || !bytes.Equal(content, []byte(from)) {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
}

// A file that is not a private key has no spec of its own.
func TestSpecOfBytes(t *testing.T) {
	if spec := (&File{}).KeySpec(); spec != "" {
		t.Errorf("%q", spec)
	}
}
