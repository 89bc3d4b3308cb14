package quote

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// Each character at each place among plain ones is written as jsontext writes it.
func TestAppend(t *testing.T) {
	texts := []string{"", "\u2028", "\u2029", "ü", "\u00e9\U0001f511", "\xff", "a\x80b", "\xe2\x80"}
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}))
	}
	for _, text := range texts {
		for before := range 17 {
			whole := strings.Repeat("a", before) + text + strings.Repeat("~", 16-before)
			compare(t, whole)
			compare(t, whole[:before+len(text)])
		}
	}
}

func FuzzAppend(f *testing.F) {
	f.Add("arn:aws:kms:us-east-1:000000000000:key/372e76da")
	f.Add("a \"quoted\" \\ text\n")
	f.Fuzz(func(t *testing.T, text string) { compare(t, text) })
}

func compare(t *testing.T, text string) {
	t.Helper()
	want, _ := jsontext.AppendQuote([]byte("before"), text) // an error of invalid UTF-8, which was replaced
	if got := Append([]byte("before"), text); string(got) != string(want) {
		t.Errorf("%q: got %s, want %s", text, got, want)
	}
}

// A text is called plain only if JSON escapes none of its characters, and every such text of ASCII is.
func TestIsPlain(t *testing.T) {
	for c := range 256 {
		want := c >= ' ' && c < 0x80 && c != '"' && c != '\\'
		for at := range 19 {
			text := []byte(strings.Repeat("a", 19))
			text[at] = byte(c)
			if got := isPlain(string(text)); got != want {
				t.Errorf("%#x at %d: got %v", c, at, got)
			}
		}
	}
}

func TestAppendAllocates(t *testing.T) {
	room := make([]byte, 0, 256)
	if n := testing.AllocsPerRun(100, func() { Append(room, "arn:aws:iam::000000000000:root") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
