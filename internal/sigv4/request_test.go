package sigv4

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseHeader(t *testing.T) {
	got, ok := ParseHeader([]byte("Host: kms.example.com\r\nX-AMZ-Target:TrentService.ListKeys\r\nx-amz-target: \t a  b \t\r\nEmpty:\r\nName_1: \xff:\n\r\n"), 5)
	want := Header{{"host", "kms.example.com"}, {"x-amz-target", "TrentService.ListKeys"}, {"x-amz-target", "a  b"}, {"empty", ""}, {"name_1", "\xff:"}}
	if !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v", got, ok)
	}
	if got.Get("x-amz-target") != "TrentService.ListKeys" || got.Get("absent") != "" || !got.hasSeveral("x-amz-target") || got.hasSeveral("host") || got.hasSeveral("absent") {
		t.Error("the fields are not those that were read")
	}
	for name, lines := range map[string]string{
		"folded":               "X-Amz-Target: TrentService\r\n .ListKeys\r\n\r\n",
		"folded, with a colon": "X-Amz-Target: TrentService\r\n\tx:ListKeys\r\n\r\n",
		"no colon":             "Host\r\n\r\n",
		"a space in a name":    "X-Amz Target: a\r\n\r\n",
		"a space after a name": "Host : a\r\n\r\n",
		"too many":             strings.Repeat("A: 1\r\n", 6) + "\r\n",
	} {
		if h, ok := ParseHeader([]byte(lines), 5); ok {
			t.Errorf("%s: %q", name, h)
		}
	}
	if h, ok := ParseHeader(nil, 5); !ok || len(h) != 0 {
		t.Errorf("nothing is %q, %v", h, ok)
	}
}

// The header may be kept after the buffer of the connection is reused.
func TestParsedHeaderIsACopy(t *testing.T) {
	lines := []byte("Host: a\r\n")
	h, _ := ParseHeader(lines, 5)
	clear(lines)
	if h.Get("host") != "a" {
		t.Errorf("got %q", h)
	}
}

// An access key ID has letters, digits and underscores.
func TestCharactersOfTheAuthorization(t *testing.T) {
	const word = "_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	for r := rune(0); r < 0x180; r++ {
		if notWord(r) == strings.ContainsRune(word, r) {
			t.Errorf("%q in an access key ID: %v", r, !notWord(r))
		}
	}
}
