package keyfile

import (
	"bytes"
	"unicode/utf8"
)

var (
	bomUTF8    = []byte{0xef, 0xbb, 0xbf}
	bomUTF16LE = []byte{0xff, 0xfe}
	bomUTF16BE = []byte{0xfe, 0xff}
)

// plain returns the text of a file without its byte order mark, which Notepad and PowerShell write, or nil if the
// file is not text. PEM is text whatever the encoding of the text around its blocks.
func (r *reader) plain(content []byte) (text []byte, form string) {
	if text, ok := r.fromUTF16(content); ok {
		return text, "UTF-16"
	}
	text = bytes.TrimPrefix(content, bomUTF8)
	pem := bytes.Contains(text, []byte("-----BEGIN ")) && bytes.IndexByte(text, 0) < 0
	if pem || isText(text) {
		return text, ""
	}
	return nil, ""
}

// Text returns the text of a file without secrets in UTF-8, without a byte order mark. Programs on Windows write
// UTF-16, or a byte order mark. A file that is not text is returned unchanged.
func Text(content []byte) []byte {
	if text, ok := new(reader).fromUTF16(content); ok {
		return text
	}
	return bytes.TrimPrefix(content, bomUTF8)
}

// isText reports whether content is printable, in UTF-8.
func isText(content []byte) bool {
	if len(content) == 0 || !utf8.Valid(content) {
		return false
	}
	return !bytes.ContainsFunc(content, func(c rune) bool {
		return c < ' ' && c != '\t' && c != '\r' && c != '\n' || c == 0x7f
	})
}

// fromUTF16 decodes text in UTF-16 with characters of ASCII only. Every second byte of such text is zero, so
// random bytes are not mistaken for text.
func (r *reader) fromUTF16(content []byte) ([]byte, bool) {
	if len(content) < 4 || len(content)%2 != 0 {
		return nil, false
	}
	high := 1 // index of the high byte, in little-endian
	if bytes.HasPrefix(content, bomUTF16BE) || content[0] == 0 {
		high = 0
	}
	if bytes.HasPrefix(content, bomUTF16LE) || bytes.HasPrefix(content, bomUTF16BE) {
		content = content[2:]
	}
	text := r.buffer(len(content) / 2)
	for i := range text {
		if content[2*i+high] != 0 {
			return nil, false
		}
		text[i] = content[2*i+1-high]
	}
	return text, isText(text)
}

// unquote returns text without white space around it, and without one pair of quotes. The AWS CLI prints quotes
// around text in JSON.
func unquote(text []byte) []byte {
	text = bytes.TrimSpace(text)
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		return bytes.TrimSpace(text[1 : n-1])
	}
	return text
}
