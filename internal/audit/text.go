package audit

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// texts limits the texts of an event, in bytes of JSON: texts longer than most are cut to kept bytes. Source of
// the first limit: "CloudTrail record contents", userAgent and errorMessage.
type texts struct{ most, kept int }

var (
	longTexts  = texts{1 << 10, 768}
	shortTexts = texts{192, 64}
)

// shorten returns the beginning of a text, followed by its length and its SHA-256.
func (t texts) shorten(text string) string {
	return fmt.Sprintf("%s… [%d bytes, SHA-256 %x]", beginning(text, t.kept), len(text), sha256.Sum256([]byte(text)))
}

var shortenedForm = regexp.MustCompile(`… \[\d+ bytes, SHA-256 [0-9a-f]{64}\]$`)

// IsShortened reports whether a text of a parsed event ends like a shortened text.
func IsShortened(text string) bool { return shortenedForm.MatchString(text) }

// beginning returns the longest prefix of text that fits into room bytes of JSON.
func beginning(text string, room int) string {
	for i, r := range text {
		if room -= sizeInJSON(r); room < 0 {
			return text[:i]
		}
	}
	return text
}

// sizeInJSON returns the largest size in bytes that a character can have in a line.
func sizeInJSON(r rune) int {
	switch {
	case r < ' ', r == '\u2028', r == '\u2029':
		return len(`\u2028`)
	case r == '"', r == '\\':
		return 2
	}
	return utf8.RuneLen(r)
}
