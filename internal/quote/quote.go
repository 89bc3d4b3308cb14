// Package quote writes texts as strings of JSON. It does not parse JSON.
//
// Every request writes an event, most texts of which have no character that JSON escapes. Such a text is copied, and
// examined eight bytes at a time.
package quote

import (
	"encoding/binary"

	"github.com/go-json-experiment/json/jsontext"
)

// Append appends a text as a string of JSON, as jsontext.AppendQuote does. Invalid UTF-8 becomes U+FFFD.
func Append(b []byte, text string) []byte {
	begin := len(b)
	b = append(append(append(b, '"'), text...), '"')
	if isPlain(b[begin+1 : len(b)-1]) {
		return b
	}
	b, _ = jsontext.AppendQuote(b[:begin], text) // invalid UTF-8 is the only error, and was replaced
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
// ASCII.
func isPlain(text []byte) bool {
	rest := text
	for ; len(rest) >= 8; rest = rest[8:] {
		if !arePlain(binary.LittleEndian.Uint64(rest)) {
			return false
		}
	}
	if len(text) >= 8 {
		return arePlain(binary.LittleEndian.Uint64(text[len(text)-8:])) // some of them for the second time
	}
	for _, c := range rest {
		if c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return true
}

// arePlain is isPlain for eight characters. A difference has its top bit if and only if a character, or one below the
// character, is less than what is subtracted: the characters below ' ', and 0 where the character is a mark.
func arePlain(eight uint64) bool {
	return (eight|(eight-spaces)|((eight^quotes)-ones)|((eight^slants)-ones))&tops == 0
}
