package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"
)

// A story is the state that one step leaves for the next.
type story struct {
	out        io.Writer
	server     *server
	keyID, arn string
	created    time.Time
	params     *kms.GetParametersForImportOutput
	material   [materialSize]byte // the original, which the owner keeps
	wrapped    []byte
	validTo    time.Time
	ciphertext []byte
}

// A step sends the named call and checks its result.
type step struct {
	title, call string
	do          func(*story, context.Context) error
}

func steps() []step {
	return []step{
		{"Create a key with no key material", "CreateKey", (*story).create},
		{"Download a public key and an import token", "GetParametersForImport", (*story).download},
		{"Encrypt material of our own under that public key", "rsa.EncryptOAEP", (*story).wrap},
		{"Import it, to expire in 90 days", "ImportKeyMaterial", (*story).importFirst},
		{"Prove that the server holds this very material", "hkdf.Key", (*story).prove},
		{"Encrypt a secret", "Encrypt", (*story).encrypt},
		{"Delete the key material, not the key", "DeleteImportedKeyMaterial", (*story).deleteMaterial},
		{"Import the same material again", "ImportKeyMaterial", (*story).importAgain},
		{"Move the server's clock past the expiry", "keyhold clock advance", (*story).expire},
		{"Try to import other material", "ImportKeyMaterial", (*story).importOther},
		{"Import the original once more, not to expire", "ImportKeyMaterial", (*story).importLast},
		{"Kill the server, start it again on its folder", "kill -9, keyhold dev", (*story).restart},
	}
}

// run runs all steps, and stops at the first one that fails.
func (s *story) run(ctx context.Context) error {
	for i, step := range steps() {
		fmt.Fprintf(s.out, "%2d  %-51s%s\n", i+1, step.title, step.call)
		if err := step.do(s, ctx); err != nil {
			return fmt.Errorf("step %d, %q: %w", i+1, step.title, err)
		}
	}
	return nil
}

// show prints a result.
func (s *story) show(label, format string, args ...any) {
	fmt.Fprintf(s.out, "    %-11s%s\n", label, fmt.Sprintf(format, args...))
}

// expectRefusal returns an error unless the call was refused with the named exception. with describes
// the request.
func (s *story) expectRefusal(call, with string, err error, want string) error {
	if err == nil {
		return fmt.Errorf("%s, %s: expected %s, but it succeeded", call, with, want)
	}
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != want {
		return fmt.Errorf("%s, %s: expected %s, got %w", call, with, want, err)
	}
	s.show(call, "%s: refused with %s", with, want)
	return nil
}

// expect returns an error unless the result is the expected one.
func expect[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: expected %v, got %v", what, want, got)
	}
	return nil
}

func date(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
