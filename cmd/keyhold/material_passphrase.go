package main

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/guarded"
)

// maxPassphrase bounds a passphrase file, in bytes.
const maxPassphrase = 1024

// passphrase reads the passphrase of the private key from the first line of a file, or asks
// for it on the terminal of the program, also if the key comes on standard input. The caller
// clears the passphrase.
func (s *source) passphrase() ([]byte, error) {
	if s.fips.on {
		return nil, usageError{errors.New("the private key is encrypted, which --fips does not allow, because the " +
			"encryption may not be approved: decrypt the key with the program that encrypted it")}
	}
	if s.passphraseFile != "" {
		return readPassphrase(s.passphraseFile)
	}
	question := fmt.Sprintf("Passphrase of the private key in %s: ", materialFileName(s.from))
	return ask(question, errors.New("the private key is encrypted, but there is no terminal to ask for its passphrase: "+
		"give --passphrase-file FILE"))
}

func readPassphrase(path string) ([]byte, error) {
	content, err := guarded.ReadSecret("the passphrase file", path, maxPassphrase)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if bytes.IndexByte(line, 0) >= 0 || !bytes.Equal(byok.Text(line), line) {
		clear(content)
		return nil, fmt.Errorf("the passphrase file %s is in UTF-16 or begins with a byte order mark, "+
			"which would count as part of the passphrase: save it in ASCII, or in UTF-8 without a mark", path)
	}
	return line, nil
}
