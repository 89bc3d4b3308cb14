package audit

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// texts bounds the texts of an event, in bytes of JSON: those with more than most
// are shortened, and keep so many. Source of the first bound: "CloudTrail record
// contents", userAgent and errorMessage.
type texts struct{ most, kept int }

var (
	longTexts  = texts{1 << 10, 768}
	shortTexts = texts{192, 64}
)

// shortened returns the beginning of a text, its length and its SHA-256.
func (t texts) shortened(text string) string {
	return fmt.Sprintf("%s… [%d bytes, SHA-256 %x]", beginning(text, t.kept), len(text), sha256.Sum256([]byte(text)))
}

var shortenedForm = regexp.MustCompile(`… \[\d+ bytes, SHA-256 [0-9a-f]{64}\]$`)

// IsShortened reports whether a text of an event that was read back ends like one
// that was shortened.
func IsShortened(text string) bool { return shortenedForm.MatchString(text) }

// beginning returns as much of a text as has room bytes in JSON.
func beginning(text string, room int) string {
	for i, r := range text {
		if room -= sizeInJSON(r); room < 0 {
			return text[:i]
		}
	}
	return text
}

// sizeInJSON returns how many bytes a character has in a line, at the most.
func sizeInJSON(r rune) int {
	switch {
	case r < ' ', r == '\u2028', r == '\u2029':
		return len(`\u2028`)
	case r == '"', r == '\\':
		return 2
	}
	return utf8.RuneLen(r)
}
