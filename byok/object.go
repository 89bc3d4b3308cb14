package byok

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
)

// An object is the JSON object of a file. Its members are in order, and all values are text. The
// parser requires each member once, in its exact case, and accepts no other members.
type object []member

type member struct{ name, text string }

// encode returns the object as indented JSON, with a newline at its end.
func (o object) encode() []byte {
	var b bytes.Buffer
	for i, m := range o {
		name, _ := json.Marshal(m.name) // text is always encoded
		text, _ := json.Marshal(m.text)
		fmt.Fprintf(&b, "%s\n  %s: %s", []string{"{", ","}[min(i, 1)], name, text)
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// parseObject parses an object with exactly the named members, and the optional ones that it has. It
// also has a member Format, with the given value.
func parseObject(data []byte, format string, optional []string, names ...string) (map[string]string, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("it is not text in UTF-8")
	}
	members, err := parseMembers(json.NewDecoder(bytes.NewReader(data)))
	if err != nil {
		return nil, err
	}
	switch got, ok := members["Format"]; {
	case !ok:
		return nil, errors.New("the member Format is missing")
	case got != format:
		return nil, fmt.Errorf("its Format is %q, not %q", got, format)
	}
	for name := range members {
		if name != "Format" && !slices.Contains(names, name) && !slices.Contains(optional, name) {
			return nil, fmt.Errorf("the member %q is unknown", name)
		}
	}
	for _, name := range optional {
		if text, ok := members[name]; ok && text == "" {
			return nil, fmt.Errorf("the member %s is empty", name)
		}
	}
	for _, name := range names {
		if members[name] == "" {
			return nil, fmt.Errorf("the member %s is missing or empty", name)
		}
	}
	return members, nil
}

func parseMembers(d *json.Decoder) (map[string]string, error) {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is not a JSON object")
	}
	members := map[string]string{}
	for d.More() {
		name, err := parseText(d)
		if err != nil {
			return nil, err
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("the member %q is repeated", name)
		}
		if members[name], err = parseText(d); err != nil {
			return nil, fmt.Errorf("the member %q: %w", name, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, notJSON(d)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	return members, nil
}

func parseText(d *json.Decoder) (string, error) {
	t, err := d.Token()
	if err != nil {
		return "", notJSON(d)
	}
	text, ok := t.(string)
	if !ok {
		return "", errors.New("it is not text")
	}
	return text, nil
}

func notJSON(d *json.Decoder) error {
	return fmt.Errorf("it is not valid JSON from byte %d on, or was cut off", d.InputOffset())
}

// fields reads the texts of an object into values, and keeps the first error.
type fields struct {
	members map[string]string
	err     error
}

func (f *fields) refuse(name, what string) {
	if f.err == nil {
		f.err = fmt.Errorf("the member %s is not %s", name, what)
	}
}

func (f *fields) blob(name string) []byte {
	b, err := base64.StdEncoding.DecodeString(f.members[name])
	if err != nil || base64.StdEncoding.EncodeToString(b) != f.members[name] {
		f.refuse(name, "base64")
	}
	return b
}

func (f *fields) time(name string) time.Time {
	t, err := time.Parse(time.RFC3339, f.members[name])
	if err != nil {
		f.refuse(name, "a time such as 2030-01-31T12:00:00Z")
	}
	return t
}

// digits reads 32 bytes in hexadecimal.
func (f *fields) digits(name string) string {
	b, err := hex.DecodeString(f.members[name])
	if err != nil || len(b) != 32 || hex.EncodeToString(b) != f.members[name] {
		f.refuse(name, "64 lower-case hexadecimal digits")
	}
	return f.members[name]
}

func (f *fields) arn(name string) string {
	if _, err := keyIDOf(f.members[name]); err != nil {
		f.refuse(name, "the ARN of a key")
	}
	return f.members[name]
}
