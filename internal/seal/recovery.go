package seal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// RecoveryKind begins the ID of a recovery key.
const RecoveryKind = "recovery"

// A recoveryKey wraps for a key pair, by HPKE (RFC 9180). Its private half is split among custodians, so a keyring gets
// wraps without them. Store and backups outlive many years, so the KEM is a hybrid with ML-KEM-768.
type recoveryKey struct {
	public  hpke.PublicKey
	private hpke.PrivateKey // nil without the shares of the custodians
}

// A secret that a recovery key wrapped is the form (1 byte), the public key, and the message of HPKE, whose info
// is the context. So the keyring has the public key. In the second form, HPKE exports a key for AES-256-GCM with a
// random nonce, because the FIPS 140-3 module does not allow the nonces of HPKE: the message is the encapsulated
// key, the nonce and the ciphertext.
const (
	recoveryForm     = 1
	recoveryFormFIPS = 2
)

// recoveryExport is the exporter context of the second form. recoveryEncapsulated is the size in bytes of an
// encapsulated key of MLKEM768-P256.
const (
	recoveryExport       = "keyhold recovery v2"
	recoveryEncapsulated = 1088 + 65
)

// recoveryPublicSize is the size in bytes of a public key of MLKEM768-P256: an encapsulation key of ML-KEM-768 and an
// uncompressed point.
const recoveryPublicSize = 1184 + 65

// errNoShares means that a recovery key lacks its private half.
var errNoShares = errors.New("the private half of the recovery key is in the shares of its custodians")

// NewRecoveryKey generates a recovery key. The caller splits the private half, 32 bytes, and clears it.
func NewRecoveryKey() (root Root, private []byte, err error) {
	k, err := hpke.MLKEM768P256().GenerateKey()
	if err != nil {
		return nil, nil, fmt.Errorf("generate the recovery key: %w", err)
	}
	if private, err = k.Bytes(); err != nil {
		return nil, nil, fmt.Errorf("generate the recovery key: %w", err)
	}
	return recoveryKey{k.PublicKey(), k}, private, nil
}

// OpenRecoveryKey returns a recovery key from its private half, which the caller clears.
func OpenRecoveryKey(private []byte) (Root, error) {
	k, err := hpke.MLKEM768P256().NewPrivateKey(private)
	if err != nil {
		return nil, errors.New("this is not the private half of a recovery key")
	}
	return recoveryKey{k.PublicKey(), k}, nil
}

// RecoveryKeyOf returns the recovery key that wrapped a secret, without its private half: it can wrap other secrets.
func RecoveryKeyOf(wrapped []byte) (Root, error) {
	if len(wrapped) < 1+recoveryPublicSize || wrapped[0] != recoveryForm && wrapped[0] != recoveryFormFIPS {
		return nil, ErrOpen
	}
	public, err := hpke.MLKEM768P256().NewPublicKey(wrapped[1 : 1+recoveryPublicSize])
	if err != nil {
		return nil, ErrOpen
	}
	return recoveryKey{public: public}, nil
}

// RecoveryKeys returns the recovery keys of the keyring, without their private halves. They can wrap a new root key.
func (o *Opened) RecoveryKeys() (keys []Root, err error) {
	if o.stored.Format == 1 {
		return nil, nil
	}
	for _, w := range o.stored.Roots[len(o.stored.Roots)-1].Wraps {
		if !IsRecoveryKey(w.Custody) {
			continue
		}
		k, err := RecoveryKeyOf(w.Wrapped)
		if err != nil || k.ID() != w.Custody {
			return nil, fmt.Errorf("the keyring has no public half of %s", w.Custody)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// IsRecoveryKey reports whether the ID of a custody is the ID of a recovery key.
func IsRecoveryKey(custody string) bool { return strings.HasPrefix(custody, RecoveryKind+":") }

// ID has 64 bits of the SHA-256 of the public key.
func (r recoveryKey) ID() string {
	sum := sha256.Sum256(r.public.Bytes())
	return RecoveryKind + ":" + hex.EncodeToString(sum[:8])
}

func (r recoveryKey) Wrap(_ context.Context, secret []byte, context string) ([]byte, error) {
	form, wrap := byte(recoveryForm), r.wrap
	if fips140.Enabled() {
		form, wrap = recoveryFormFIPS, r.wrapFIPS
	}
	message, err := wrap(secret, context)
	if err != nil {
		return nil, err
	}
	wrapped := append([]byte{form}, r.public.Bytes()...)
	return append(wrapped, message...), nil
}

func (r recoveryKey) wrap(secret []byte, context string) ([]byte, error) {
	return hpke.Seal(r.public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(context), secret)
}

func (r recoveryKey) wrapFIPS(secret []byte, context string) ([]byte, error) {
	enc, sender, err := hpke.NewSender(r.public, hpke.HKDFSHA256(), hpke.ExportOnly(), []byte(context))
	if err != nil {
		return nil, err
	}
	aead, err := exportedAEAD(sender.Export)
	if err != nil {
		return nil, err
	}
	return aead.Seal(enc, nil, secret, nil), nil
}

// exportedAEAD returns AES-256-GCM with random nonces under a key that HPKE exports.
func exportedAEAD(export func(context string, length int) ([]byte, error)) (cipher.AEAD, error) {
	key, err := export(recoveryExport, 32)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (r recoveryKey) Unwrap(_ context.Context, wrapped []byte, context string) ([]byte, error) {
	if r.private == nil {
		return nil, errNoShares
	}
	by, err := RecoveryKeyOf(wrapped)
	if err != nil || by.ID() != r.ID() {
		return nil, ErrOpen
	}
	open := r.open
	if wrapped[0] == recoveryFormFIPS {
		open = r.openFIPS
	}
	secret, err := open(wrapped[1+recoveryPublicSize:], context)
	if err != nil {
		return nil, ErrOpen
	}
	return secret, nil
}

func (r recoveryKey) open(message []byte, context string) ([]byte, error) {
	return hpke.Open(r.private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(context), message)
}

func (r recoveryKey) openFIPS(message []byte, context string) ([]byte, error) {
	if len(message) < recoveryEncapsulated {
		return nil, ErrOpen
	}
	enc, sealed := message[:recoveryEncapsulated], message[recoveryEncapsulated:]
	recipient, err := hpke.NewRecipient(enc, r.private, hpke.HKDFSHA256(), hpke.ExportOnly(), []byte(context))
	if err != nil {
		return nil, err
	}
	aead, err := exportedAEAD(recipient.Export)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, sealed, nil)
}
