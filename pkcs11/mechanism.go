package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"hash"
	"math/big"

	"github.com/miekg/pkcs11"
)

// A mechanism is a way to wrap a key.
type mechanism struct {
	number byte // first byte of a wrapped key
	name   string
	rsa    bool
	wrap   func(k key, secret []byte, context string) ([]byte, error)
	unwrap func(k key, wrapped []byte, context string) ([]byte, error)
}

// mechanisms returns the mechanisms for a key, the best first. Their numbers are part of the format.
func (k key) mechanisms() (fitting []mechanism) {
	for _, m := range []mechanism{
		{1, "AES_GCM", false, wrapGCM, unwrapGCM},
		{2, "AES_KEY_WRAP_PAD", false, wrapKWP, unwrapKWP},
		{3, "RSA_OAEP with SHA-256", true, wrapOAEP(sha256.New), unwrapOAEP(pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256)},
		{4, "RSA_OAEP with SHA-1", true, wrapOAEP(sha1.New), unwrapOAEP(pkcs11.CKM_SHA_1, pkcs11.CKG_MGF1_SHA1)},
	} {
		if m.rsa == k.rsa {
			fitting = append(fitting, m)
		}
	}
	return fitting
}

const (
	nonceSize = 12
	tagBits   = 128
)

// wrapGCM encrypts with the context as associated data. Some tokens choose the nonce themselves.
func wrapGCM(k key, secret []byte, context string) ([]byte, error) {
	nonce := make([]byte, nonceSize)
	rand.Read(nonce)
	parameters := pkcs11.NewGCMParams(nonce, []byte(context), tagBits)
	defer parameters.Free()
	if err := k.library.EncryptInit(k.session, by(pkcs11.CKM_AES_GCM, parameters), k.handle); err != nil {
		return nil, err
	}
	wrapped, err := k.library.Encrypt(k.session, secret)
	if err != nil {
		return nil, err
	}
	if used := parameters.IV(); len(used) == nonceSize {
		nonce = used
	}
	return append(nonce, wrapped...), nil
}

func unwrapGCM(k key, wrapped []byte, context string) ([]byte, error) {
	if len(wrapped) != nonceSize+keySize+tagBits/8 {
		return nil, pkcs11.Error(pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE)
	}
	parameters := pkcs11.NewGCMParams(wrapped[:nonceSize], []byte(context), tagBits)
	defer parameters.Free()
	if err := k.library.DecryptInit(k.session, by(pkcs11.CKM_AES_GCM, parameters), k.handle); err != nil {
		return nil, err
	}
	return k.library.Decrypt(k.session, wrapped[nonceSize:])
}

// passing is the template of a secret that passes through the token, and is not kept there.
func passing(more ...*pkcs11.Attribute) []*pkcs11.Attribute {
	return append(more,
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_GENERIC_SECRET),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, false),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true),
	)
}

// wrapKWP wraps by RFC 5649. The mechanism has no associated data: the caller authenticates the context.
func wrapKWP(k key, secret []byte, _ string) ([]byte, error) {
	object, err := k.library.CreateObject(k.session, passing(pkcs11.NewAttribute(pkcs11.CKA_VALUE, secret)))
	if err != nil {
		return nil, err
	}
	wrapped, err := k.library.WrapKey(k.session, by(pkcs11.CKM_AES_KEY_WRAP_PAD, nil), k.handle, object)
	return wrapped, errors.Join(err, k.library.DestroyObject(k.session, object))
}

func unwrapKWP(k key, wrapped []byte, _ string) ([]byte, error) {
	object, err := k.library.UnwrapKey(k.session, by(pkcs11.CKM_AES_KEY_WRAP_PAD, nil), k.handle, wrapped, passing())
	if err != nil {
		return nil, err
	}
	values, err := k.library.GetAttributeValue(k.session, object, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_VALUE, nil),
	})
	if err := errors.Join(err, k.library.DestroyObject(k.session, object)); err != nil {
		return nil, err
	}
	return values[0].Value, nil
}

// wrapOAEP encrypts with the public key, which needs no token.
func wrapOAEP(digest func() hash.Hash) func(key, []byte, string) ([]byte, error) {
	return func(k key, secret []byte, _ string) ([]byte, error) {
		exponent := new(big.Int).SetBytes(k.public)
		if !exponent.IsInt64() {
			return nil, errors.New("the public exponent is too large")
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(k.modulus), E: int(exponent.Int64())}
		return rsa.EncryptOAEP(digest(), rand.Reader, public, secret, nil)
	}
}

func unwrapOAEP(digest, mask uint) func(key, []byte, string) ([]byte, error) {
	return func(k key, wrapped []byte, _ string) ([]byte, error) {
		if len(wrapped) != len(k.modulus) {
			return nil, pkcs11.Error(pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE)
		}
		parameters := pkcs11.NewOAEPParams(digest, mask, pkcs11.CKZ_DATA_SPECIFIED, nil)
		if err := k.library.DecryptInit(k.session, by(pkcs11.CKM_RSA_PKCS_OAEP, parameters), k.handle); err != nil {
			return nil, err
		}
		return k.library.Decrypt(k.session, wrapped)
	}
}

func by(kind uint, parameter any) []*pkcs11.Mechanism {
	return []*pkcs11.Mechanism{pkcs11.NewMechanism(kind, parameter)}
}
