package keyfile

import (
	"errors"

	"github.com/keyhold/keyhold/internal/privatekey"
)

// ErrPassphrase is the error of Read for a private key that does not open with the passphrase.
var ErrPassphrase = errors.New("the private key does not open with this passphrase, or is damaged")

// A File is the material of a recognised file: a private key, or bytes. Bytes can have more than one reading.
type File struct {
	form     string          // form of the private key
	key      *privatekey.Key // nil if the file holds bytes
	readings []reading
	newline  bool // the file ends with a newline, which may belong to its bytes

	characters int // number of characters of a text, without its last newline
}

// A reading is one way to read bytes.
type reading struct {
	form   string // shown to users: raw, hexadecimal, base64, ...
	octets []byte
	weak   bool // the characters of a text as bytes: used only if no other reading fits
}

// Read recognises the kind of a file and reads its material. If the file is an encrypted private key, Read calls
// passphrase and clears the result. If the kind is recognised but not read, the error is a *NotRead with the name
// of the kind. Other errors describe the fault in the material.
func Read(content []byte, passphrase func() ([]byte, error)) (*File, error) {
	r := &reader{passphrase: passphrase}
	defer r.clear()
	return r.read(content)
}

// Clear erases the material.
func (f *File) Clear() {
	if f.key != nil {
		clear(f.key.PKCS8)
	}
	for _, r := range f.readings {
		clear(r.octets)
	}
}

// KeySpec returns the spec of the private key, or "" for bytes, which can be material of several specs.
func (f *File) KeySpec() string {
	if f.key == nil {
		return ""
	}
	return f.key.Spec
}

// A reader reads one file. It keeps its buffers until clear erases them.
type reader struct {
	passphrase func() ([]byte, error)
	buffers    [][]byte
	depth      int
}

// maxDepth is the maximum number of encodings inside one another, such as the base64 of the base64 of PEM.
const maxDepth = 3

// buffer returns a buffer that clear erases.
func (r *reader) buffer(size int) []byte { return r.keep(make([]byte, size)) }

func (r *reader) keep(b []byte) []byte {
	r.buffers = append(r.buffers, b)
	return b
}

func (r *reader) clear() {
	for _, b := range r.buffers {
		clear(b[:cap(b)])
	}
}

func (r *reader) read(content []byte) (*File, error) {
	if r.depth++; r.depth > maxDepth {
		return nil, refuse("encoded")
	}
	text, form := r.plain(content)
	var f *File
	var err error
	if text != nil {
		f, err = r.readText(text)
	} else {
		f, err = r.readBinary(content)
	}
	switch {
	case err != nil && form != "":
		return nil, refuseWithin(form, err)
	case err != nil:
		return nil, err
	case form != "":
		f.within(form)
	}
	return f, nil
}

// within adds the form of an encoding to the form of the file.
func (f *File) within(form string) {
	f.form = form + ", " + f.form
	for i := range f.readings {
		f.readings[i].form = form + ", " + f.readings[i].form
	}
}

// privateKey validates a private key in PKCS #8, and clears the PKCS #8.
func privateKey(pkcs8 []byte, form string) (*File, error) {
	defer func() { clear(pkcs8) }()
	if err := checkAlgorithm(pkcs8); err != nil {
		return nil, err
	}
	pkcs8 = withWholeScalar(pkcs8)
	spec, err := privatekey.SpecOf(pkcs8)
	if err != nil {
		return nil, err
	}
	k, err := privatekey.Parse(spec, pkcs8)
	if err != nil {
		return nil, err
	}
	return &File{form: form, key: &k}, nil
}
