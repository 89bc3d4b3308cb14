package custody

import (
	"cmp"
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/keyhold/keyhold/internal/custody/helper"
	"github.com/keyhold/keyhold/internal/seal"
)

// A pkcs11Key is a key on a PKCS#11 token. A program of its own, keyhold-pkcs11, uses the library of the vendor.
type pkcs11Key struct {
	pkcs11URI
	pin     []byte
	program string
	turn    chan struct{}         // has a place for the one call that runs
	refused atomic.Pointer[error] // the token refused the PIN: sending the PIN again could lock the token
}

// openPKCS11 returns the Root of a key on a token.
func openPKCS11(argument string, p Prompt) (seal.Root, error) {
	k, err := newPKCS11(argument, p)
	if err != nil {
		return nil, err
	}
	return envelope{k}, nil
}

// createPKCS11 is like openPKCS11, and makes the key if the token does not have it.
func createPKCS11(argument string, p Prompt) (seal.Root, error) {
	k, err := newPKCS11(argument, p)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), proofLimit)
	defer cancel()
	if _, err := k.do(ctx, helper.Request{Operation: helper.Create}); err != nil {
		return nil, err
	}
	return envelope{k}, nil
}

func newPKCS11(argument string, p Prompt) (*pkcs11Key, error) {
	u, err := parsePKCS11(argument)
	if err != nil {
		return nil, err
	}
	k := &pkcs11Key{pkcs11URI: u, turn: make(chan struct{}, 1)}
	if k.program, err = findHelper(); err != nil {
		return nil, err
	}
	if u.pin != "" {
		if k.pin, err = readLine("the PIN", u.pin, p, "PIN of the token "+u.token.Label+": "); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// oaepSHA1 is the first byte of a key that was wrapped by RSA-OAEP with SHA-1 (keyhold-pkcs11).
const oaepSHA1 = 4

// errOAEPSHA1 means that a token has no approved mechanism.
var errOAEPSHA1 = errors.New("the token can wrap by RSA-OAEP with SHA-1 only, which is not allowed in FIPS mode: " +
	"use an AES key (docs/fips.md)")

func checkMechanism(wrapped []byte) error {
	if fips140.Enabled() && len(wrapped) > 0 && wrapped[0] == oaepSHA1 {
		return errOAEPSHA1
	}
	return nil
}

// ID names the key.
func (k *pkcs11Key) ID() string { return k.id() }

func (k *pkcs11Key) wrapKey(ctx context.Context, key []byte, context string) ([]byte, error) {
	wrapped, err := k.do(ctx, helper.Request{Operation: helper.Wrap, Data: key, Context: context})
	return wrapped, cmp.Or(err, checkMechanism(wrapped))
}

func (k *pkcs11Key) unwrapKey(ctx context.Context, wrapped []byte, context string) ([]byte, error) {
	if err := checkMechanism(wrapped); err != nil {
		return nil, err
	}
	return k.do(ctx, helper.Request{Operation: helper.Unwrap, Data: wrapped, Context: context})
}

// do carries out an operation on the token, one at a time.
func (k *pkcs11Key) do(ctx context.Context, r helper.Request) ([]byte, error) {
	select {
	case k.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-k.turn }()
	if refused := k.refused.Load(); refused != nil {
		return nil, *refused
	}
	r.Version, r.Module, r.Token, r.Key, r.PIN = helper.Version, k.module, k.token, k.key, k.pin
	answer, err := helperProcess{k.program, k.pass}.run(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("the token of %s: %w", k.ID(), err)
	}
	if answer.Fault == "" {
		return answer.Data, nil
	}
	err = k.explain(answer)
	if answer.Fault == helper.WrongPIN {
		k.refused.Store(&err)
	}
	return nil, err
}

// faultRemedies gives the remedy for each fault of a token.
var faultRemedies = map[helper.Fault]string{
	helper.BadRequest:   "install keyhold and keyhold-pkcs11 of the same version",
	helper.NoModule:     "check module-path, and install the library of the vendor",
	helper.NoToken:      "plug the token in, or check its name; pkcs11-tool --module LIBRARY -T lists tokens",
	helper.ManyTokens:   "add serial=NUMBER of the right one to the URI",
	helper.NoKey:        "check the name of the key, or plug in the token that has the key",
	helper.ManyKeys:     "add id= of the right one to the URI, or remove the others",
	helper.NoMechanism:  "use an AES key or an RSA pair that may encrypt and decrypt",
	helper.NoPIN:        "give the place of the PIN in pin-source=",
	helper.WrongPIN:     "give the right PIN and start again; Keyhold does not send this PIN again",
	helper.LastPIN:      "no PIN was sent: log in with the right PIN by another program, which resets the count",
	helper.LockedPIN:    "unlock the token with the PIN of its security officer",
	helper.DeviceFailed: "check the device, and the way to it",
}

// explain returns the error for a fault.
func (k *pkcs11Key) explain(r helper.Response) error {
	if r.Fault == helper.DoesNotOpen {
		return seal.ErrOpen
	}
	remedy, ok := faultRemedies[r.Fault]
	if !ok {
		return errors.New("keyhold-pkcs11 gave an answer that is unknown here: install both programs of the same version")
	}
	return fmt.Errorf("the token of %s: %s: %s", k.ID(), r.Text, remedy)
}
