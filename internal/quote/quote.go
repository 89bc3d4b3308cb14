// Package quote writes texts as strings of JSON. It does not parse JSON.
//
// Every request writes an event, most texts of which have no character that JSON escapes. Such a text is copied, and
// examined eight bytes at a time.
package quote

import (
	"github.com/go-json-experiment/json/jsontext"
)

// Append appends a text as a string of JSON, as jsontext.AppendQuote does. Invalid UTF-8 becomes U+FFFD.
func Append(b []byte, text string) []byte {
	if isPlain(text) {
		return append(append(append(b, '"'), text...), '"')
	}
	b, _ = jsontext.AppendQuote(b, text) // invalid UTF-8 is the only error, and was replaced
	return b
}

// Patterns of eight equal bytes.
const (
	ones   = 0x0101010101010101
	tops   = 0x80 * ones
	spaces = ' ' * ones
	quotes = '"' * ones
	slants = '\\' * ones
)

// isPlain reports whether a text has neither control characters nor quotation marks, backslashes or characters beyond
// ASCII. It decides once, at the end, because a branch for each eight characters takes more time than to examine them.
func isPlain(text string) bool {
	const half = 4
	n := len(text)
	switch {
	case n >= 8:
		found := marks(eight(text[n-8:])) // some of these are examined twice
		for ; len(text) > 8; text = text[8:] {
			found |= marks(eight(text))
		}
		return found&tops == 0
	case n >= half:
		return marks(four(text)|four(text[n-half:])<<32)&tops == 0
	}
	for i := range n {
		c := text[i]
		if c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// eight returns the first eight characters of a text. The compiler makes one load of them.
func eight(s string) uint64 {
	_ = s[7]
	return four(s) | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// four returns the first four characters of a text.
func four(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// marks returns a value with the top bit of a byte if one of eight characters is not plain. A difference has its top
// bit if and only if a character, or one below the character, is less than what is subtracted: the characters below
// ' ', and 0 where the character is a mark.
func marks(c uint64) uint64 {
	return c | (c - spaces) | ((c ^ quotes) - ones) | ((c ^ slants) - ones)
}
