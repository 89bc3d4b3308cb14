package custody

import (
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/seal"
)

// A Spec names a custody, as KIND:ARGUMENT.
type Spec struct{ Kind, Argument string }

// A kind is a row of the kinds of custody.
type kind struct {
	name     string
	argument string // what the argument is, for messages
	keep     string // what an owner must keep, for messages
	create   func(argument string, p Prompt) (seal.Root, error)
	open     func(argument string, p Prompt) (seal.Root, error)
}

// kinds returns the kinds of custody.
func kinds() []kind {
	return []kind{
		{
			KeyFileKind, secretPlaces, "in a file. The data cannot be opened without the file: keep a copy, apart from the data",
			createKeyFile, openKeyFile,
		},
		{
			"passphrase", secretPlaces + "|prompt",
			"under the passphrase. The data cannot be opened without it: keep it, apart from the data",
			createPassphrase, openPassphrase,
		},
		{
			"awskms", "KEY?deployment=NAME",
			"wrapped by a key of another server. The data cannot be opened without this key: never delete it",
			openAWSKMS, openAWSKMS,
		},
		{
			"pkcs11", pkcs11Form,
			"wrapped by a key on a token. The data cannot be opened without this key: keep a copy of the token, or a second " +
				"custody",
			createPKCS11, openPKCS11,
		},
		{
			"tpm", tpmForm,
			"sealed to the TPM of this machine. The data cannot be opened on another machine, or after a change of the PCRs: " +
				"add a second custody",
			createTPM, openTPM,
		},
	}
}

// KeyFileKind is the kind of a root key file.
const KeyFileKind = "key-file"

// KeyFile returns the Spec of a root key file.
func KeyFile(path string) Spec { return Spec{KeyFileKind, path} }

// Parse reads a Spec.
func Parse(text string) (Spec, error) {
	name, argument, _ := strings.Cut(text, ":")
	var forms []string
	for _, k := range kinds() {
		if k.name == name && argument != "" {
			return Spec{name, argument}, nil
		}
		forms = append(forms, k.name+":"+k.argument)
	}
	return Spec{}, fmt.Errorf("%q names no custody: give %s", text, strings.Join(forms, " or "))
}

// String returns the text that Parse reads.
func (s Spec) String() string { return s.Kind + ":" + s.Argument }

// A Prompt asks a person for a secret, and returns a line without its end. It is nil where nobody can be asked.
type Prompt func(question string) ([]byte, error)

// Create makes a new custody, for example a root key file.
func (s Spec) Create(p Prompt) (seal.Root, error) {
	k, err := s.kind()
	if err != nil {
		return nil, err
	}
	return k.create(s.Argument, p)
}

// Open returns a custody that exists.
func (s Spec) Open(p Prompt) (seal.Root, error) {
	k, err := s.kind()
	if err != nil {
		return nil, err
	}
	return k.open(s.Argument, p)
}

// NamesDescriptor reports whether Open reads a secret from a file descriptor of this process.
func (s Spec) NamesDescriptor() bool {
	switch s.Kind {
	case "pkcs11":
		u, err := parsePKCS11(s.Argument)
		return err == nil && isDescriptor(u.pin)
	case "tpm":
		_, tpmPlace, err := parseTPM(s.Argument)
		return err == nil && isDescriptor(tpmPlace)
	}
	return isDescriptor(s.Argument)
}

// Advice says where the root key is, and what its owner must keep.
func (s Spec) Advice() string {
	k, err := s.kind()
	if err != nil {
		return err.Error()
	}
	return k.keep
}

func (s Spec) kind() (k kind, err error) {
	for _, k := range kinds() {
		if k.name == s.Kind {
			return k, nil
		}
	}
	return k, fmt.Errorf("%q is not a kind of custody", s.Kind)
}
