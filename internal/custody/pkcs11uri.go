package custody

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/custody/helper"
)

// A pkcs11URI names a key on a token (RFC 7512), without the scheme.
type pkcs11URI struct {
	token  helper.Token
	key    helper.Key
	module string   // path of the library
	pin    string   // place of the PIN, or ""
	pass   []string // names of environment variables that the library needs
}

// pkcs11Form is the form of the URI, for messages.
const pkcs11Form = "token=LABEL;object=LABEL?module-path=LIBRARY&pin-source=" + secretPlaces + "|prompt"

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parsePKCS11 reads the part of a PKCS#11 URI after the scheme. It refuses attributes that it would have to ignore.
func parsePKCS11(text string) (u pkcs11URI, err error) {
	path, query, _ := strings.Cut(text, "?")
	if err := eachAttribute(path, ";", u.setPath); err != nil {
		return u, explainURI(err)
	}
	if err := eachAttribute(query, "&", u.setQuery); err != nil {
		return u, explainURI(err)
	}
	switch {
	case u.token == helper.Token{}:
		err = errors.New("it names no token")
	case u.key.Label == "" && len(u.key.ID) == 0:
		err = errors.New("it names no key: give object= or id=")
	case !strings.HasPrefix(u.module, "/"):
		err = errors.New("it needs the absolute path of the vendor's library in module-path=")
	}
	return u, explainURI(err)
}

// explainURI adds the form of a URI to an error. It does not show the URI, which may have a PIN by mistake.
func explainURI(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the PKCS#11 URI: %w: give pkcs11:%s", err, pkcs11Form)
}

// eachAttribute calls set with each attribute, decoded. An attribute may occur once.
func eachAttribute(text, separator string, set func(name, value string) error) error {
	var seen []string
	for _, part := range strings.Split(text, separator) {
		if part == "" {
			continue
		}
		name, encoded, _ := strings.Cut(part, "=")
		value, err := url.PathUnescape(encoded)
		if err != nil || value == "" || strings.ContainsRune(value, 0) && name != "id" {
			return fmt.Errorf("the attribute %s has no value, or is not percent-encoded", name)
		}
		if slices.Contains(seen, name) {
			return fmt.Errorf("the attribute %s occurs twice", name)
		}
		seen = append(seen, name)
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (u *pkcs11URI) setPath(name, value string) error {
	switch name {
	case "token":
		u.token.Label = value
	case "serial":
		u.token.Serial = value
	case "manufacturer":
		u.token.Manufacturer = value
	case "model":
		u.token.Model = value
	case "object":
		u.key.Label = value
	case "id":
		u.key.ID = []byte(value)
	default:
		return fmt.Errorf("the attribute %s is not supported", name)
	}
	return nil
}

func (u *pkcs11URI) setQuery(name, value string) error {
	switch name {
	case "module-path":
		u.module = value
	case "pin-source":
		u.pin = strings.TrimPrefix(value, "file:")
	case "pin-value":
		return errors.New("pin-value would show the PIN to every user of this machine: put the PIN into a file that only " +
			"this user can read, give its path in pin-source=, and change the PIN")
	case "x-env":
		u.pass = strings.Split(value, ",")
		for _, v := range u.pass {
			if !variableName.MatchString(v) {
				return fmt.Errorf("x-env has %q, which is not the name of an environment variable", v)
			}
		}
	default:
		return fmt.Errorf("the attribute %s is not supported", name)
	}
	return nil
}

// id names the key. It leaves out the serial number of the token, because devices with copies of one key differ in it.
func (u pkcs11URI) id() string {
	var parts []string
	for _, p := range [][2]string{
		{"token", u.token.Label}, {"object", u.key.Label}, {"id", string(u.key.ID)},
	} {
		if p[1] != "" {
			parts = append(parts, p[0]+"="+url.PathEscape(p[1]))
		}
	}
	return "pkcs11:" + strings.Join(parts, ";")
}
