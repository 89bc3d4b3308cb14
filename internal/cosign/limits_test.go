package cosign

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A checkpoint that is too long, or has an empty line, is refused although its signature is right.
func TestSignedNotesThatAreNotCheckpoints(t *testing.T) {
	s := testSigner(t, "witness.example.com/w1").At(time.Unix(1679315147, 0))
	const text = "example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	sign := func(text string) []byte {
		signed, err := note.Sign(&note.Note{Text: text}, s)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	more := func(size int) string { return text + strings.Repeat("x", size-len(text)-1) + "\n" }
	signature := len(sign(text)) - len(text)
	for what, test := range map[string]struct {
		text string
		ok   bool
	}{
		"a checkpoint": {text, true}, "as long as it may be": {more(maxNote - signature), true}, "too long": {more(maxNote - signature + 1), false},
		"with an empty line": {text + "\nx\n", false}, "not a checkpoint": {"x\n", false},
	} {
		if _, _, err := Open(sign(test.text), s.Verifier); (err == nil) != test.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, size := range []int{0, 4 + timeSize + 63, 4 + timeSize + 65} {
		if _, err := TimeOf(note.Signature{Base64: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, size))}); err == nil {
			t.Errorf("%d bytes are a cosignature", size)
		}
	}
	if _, err := TimeOf(note.Signature{Base64: "?"}); err == nil {
		t.Error("a text that is not base64 is a cosignature")
	}
	if _, err := testSigner(t, "w").Line([]byte(text)); err == nil {
		t.Error("a witness with a clock before 1970 signs")
	}
}
