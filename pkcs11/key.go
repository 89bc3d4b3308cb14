package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/keyhold/keyhold/internal/custody/helper"
)

// keySize is the size in bytes of the keys that are wrapped, and of the AES keys that create makes.
const keySize = 32

// A key is a key on a token: a secret key of AES, or a pair of RSA.
type key struct {
	token
	handle  pkcs11.ObjectHandle // of the secret or private key
	rsa     bool
	modulus []byte // of an RSA key
	public  []byte // its public exponent
}

// find finds the one key of a name: AES, or the private key of an RSA pair.
func (t token) find(want helper.Key) (k key, err error) {
	k.token = t
	secret, err := t.search(want, pkcs11.CKO_SECRET_KEY, pkcs11.CKK_AES)
	if err != nil {
		return k, err
	}
	private, err := t.search(want, pkcs11.CKO_PRIVATE_KEY, pkcs11.CKK_RSA)
	if err != nil {
		return k, err
	}
	switch n := len(secret) + len(private); {
	case n == 0:
		return k, fault{helper.NoKey, "the token does not have the key"}
	case n > 1:
		return k, fault{helper.ManyKeys, fmt.Sprintf("the token has %d keys of this name", n)}
	case len(secret) == 1:
		k.handle = secret[0]
		return k, nil
	}
	k.handle, k.rsa = private[0], true
	values, err := t.library.GetAttributeValue(t.session, k.handle, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_MODULUS, nil), pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, nil),
	})
	if err != nil {
		return k, fmt.Errorf("read the public half of the RSA key: %w", err)
	}
	k.modulus, k.public = values[0].Value, values[1].Value
	return k, nil
}

// search returns the keys of a name, class and type: at most three.
func (t token) search(want helper.Key, class, kind uint) ([]pkcs11.ObjectHandle, error) {
	template := append(named(want),
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, class), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, kind))
	if err := t.library.FindObjectsInit(t.session, template); err != nil {
		return nil, fmt.Errorf("look for the key: %w", err)
	}
	found, _, err := t.library.FindObjects(t.session, 3)
	if err := errors.Join(err, t.library.FindObjectsFinal(t.session)); err != nil {
		return nil, fmt.Errorf("look for the key: %w", err)
	}
	return found, nil
}

func named(want helper.Key) (template []*pkcs11.Attribute) {
	if want.Label != "" {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_LABEL, want.Label))
	}
	if len(want.ID) > 0 {
		template = append(template, pkcs11.NewAttribute(pkcs11.CKA_ID, want.ID))
	}
	return template
}

// create makes an AES key that never leaves the token.
func (t token) create(want helper.Key) error {
	template := append(named(want),
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, keySize),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_MODIFIABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true),
		pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, true),
		pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, true),
	)
	by := []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}
	if _, err := t.library.GenerateKey(t.session, by, template); err != nil {
		return fmt.Errorf("make the key: %w", err)
	}
	return nil
}

// wrap wraps a key by the first mechanism that the token can also undo. The result begins with the mechanism.
func (k key) wrap(secret []byte, context string) ([]byte, error) {
	var failures []error
	for _, m := range k.mechanisms() {
		wrapped, err := m.wrap(k, secret, context)
		if err == nil {
			var got []byte
			if got, err = m.unwrap(k, wrapped, context); err == nil && !bytes.Equal(got, secret) {
				err = errors.New("the token unwraps another value")
			}
		}
		if err == nil {
			return append([]byte{m.number}, wrapped...), nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", m.name, err))
	}
	return nil, fault{helper.NoMechanism, errors.Join(failures...).Error()}
}

// unwrap unwraps a wrapped key, which does not open if its mechanism is not for k.
func (k key) unwrap(wrapped []byte, context string) ([]byte, error) {
	for _, m := range k.mechanisms() {
		if len(wrapped) < 1 || m.number != wrapped[0] {
			continue
		}
		secret, err := m.unwrap(k, wrapped[1:], context)
		if err == nil || !doesNotOpen(err) && !k.works(m) {
			return secret, err
		}
		break
	}
	return nil, fault{helper.DoesNotOpen, "the wrapped key is damaged, or another key wrapped it"}
}

// works reports whether the token opens its own wrap of a random key. Some libraries return the same error for damaged
// data and for a broken device.
func (k key) works(m mechanism) bool {
	probe := make([]byte, keySize)
	rand.Read(probe)
	wrapped, err := m.wrap(k, probe, "")
	if err != nil {
		return false
	}
	got, err := m.unwrap(k, wrapped, "")
	return err == nil && bytes.Equal(got, probe)
}
