package custody

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/keyhold/keyhold/internal/guarded"
)

// secretPlaces are the places of a secret, for messages.
const secretPlaces = "PATH|credential:NAME|fd:NUMBER"

// maxSecret is a size in bytes larger than any secret.
const maxSecret = 4 << 10

// readSecret reads a secret from the place that an argument names. what names the secret in errors. The caller clears
// the result.
func readSecret(what, argument string) ([]byte, error) {
	if name, ok := strings.CutPrefix(argument, "credential:"); ok {
		path, err := credential(name)
		if err != nil {
			return nil, err
		}
		return guarded.ReadSecret(what, path, maxSecret)
	}
	if number, ok := strings.CutPrefix(argument, descriptorPrefix); ok {
		return readDescriptor(what, number)
	}
	return guarded.ReadSecret(what, argument, maxSecret)
}

// readLine reads a secret of one line of text, without the end of the line. For the place prompt, it asks a question.
func readLine(what, place string, p Prompt, question string) ([]byte, error) {
	if place == "prompt" {
		if p == nil {
			return nil, fmt.Errorf("there is no terminal to ask for %s: give %s", what, secretPlaces)
		}
		return p(question)
	}
	text, err := readSecret(what, place)
	if err != nil {
		return nil, err
	}
	line := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(line) == 0 || bytes.ContainsAny(line, "\x00\r\n") || bytes.HasPrefix(line, []byte("\ufeff")) {
		clear(text)
		return nil, fmt.Errorf("%s in %s is not one line of UTF-8 text", what, place)
	}
	return line, nil
}

// readNewLine is like readLine for a secret that somebody chooses: it asks twice, and refuses a secret of fewer bytes
// than shortest.
func readNewLine(what, place string, p Prompt, question string, shortest int) ([]byte, error) {
	secret, err := readLine(what, place, p, question)
	if err == nil && len(secret) < shortest {
		err = fmt.Errorf("%s has %d bytes: give at least %d", what, len(secret), shortest)
	}
	if err == nil && place == "prompt" {
		var again []byte
		if again, err = p("The same again: "); err == nil && !bytes.Equal(again, secret) {
			err = fmt.Errorf("%s was another one the second time", what)
		}
		clear(again)
	}
	if err != nil {
		clear(secret)
		return nil, err
	}
	return secret, nil
}

// canReadAgain reports whether a secret can be read a second time from its place.
func canReadAgain(place string) bool { return place != "prompt" && !isDescriptor(place) }

// descriptorPrefix begins the place of a secret that is read from a file descriptor.
const descriptorPrefix = "fd:"

func isDescriptor(place string) bool { return strings.HasPrefix(place, descriptorPrefix) }

// credential returns the path of a credential that systemd gives to a service (systemd.exec(5), LoadCredential=).
func credential(name string) (string, error) {
	folder := os.Getenv("CREDENTIALS_DIRECTORY")
	if folder == "" {
		return "", fmt.Errorf("there is no credential %q: systemd gives credentials to the services whose units have "+
			"LoadCredential= or LoadCredentialEncrypted=", name)
	}
	if name == "" || name != filepath.Base(name) {
		return "", fmt.Errorf("%q is not the name of a credential of systemd", name)
	}
	return filepath.Join(folder, name), nil
}

// readDescriptor reads a secret to its end from a file descriptor that the caller of the program opened.
func readDescriptor(what, number string) (secret []byte, err error) {
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("fd:%s is not a file descriptor: give its number, such as fd:3", number)
	}
	f := os.NewFile(uintptr(n), "fd:"+number)
	if f == nil {
		return nil, fmt.Errorf("read %s: there is no file descriptor %s", what, number)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if secret, err = guarded.Read(f, maxSecret); err != nil {
		return nil, fmt.Errorf("read %s from fd:%s: %w", what, number, err)
	}
	return secret, nil
}
