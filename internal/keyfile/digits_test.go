package keyfile

import "testing"

// fromHex and fromBase64 accept the forms that programs print, and nothing else.
func TestDigits(t *testing.T) {
	for text, want := range map[string]string{
		"0x6b65":       "ke",
		"0X6b65":       "ke",
		"6B 65\n":      "ke",
		"6b:65":        "ke",
		"6b65\r\n796b": "keyk",
		"6b6 5":        "", // a group of an odd number of digits
		"6 b65":        "",
		"6b6":          "",
		"":             "",
		"6g":           "",
	} {
		if got, ok := new(reader).fromHex([]byte(text)); string(got) != want && ok || ok != (want != "") {
			t.Errorf("%q as hexadecimal: %q, %v; want %q", text, got, ok, want)
		}
	}
	for text, want := range map[string]string{
		"aw==":              "k",
		"aw":                "k",
		"a2V5a2V5\na2V5\n":  "keykeykey",
		"a2V5 \na2V5\t\r\n": "keykey",
		"a2V5\na2V5a2V5\n":  "", // a line after a shorter one
		"a2V5\na2\na2V5\n":  "",
		"ax==":              "", // not the only form of its bytes
		"":                  "",
	} {
		if got, ok := new(reader).fromBase64([]byte(text)); string(got) != want && ok || ok != (want != "") {
			t.Errorf("%q as base64: %q, %v; want %q", text, got, ok, want)
		}
	}
}
