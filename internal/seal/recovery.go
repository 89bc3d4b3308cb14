package seal

import (
	"context"
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

// A secret that a recovery key wrapped is the form (1 byte, 1), the public key, and the message of HPKE, whose info is
// the context. So the keyring has the public key.
const recoveryForm = 1

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
	if len(wrapped) < 1+recoveryPublicSize || wrapped[0] != recoveryForm {
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
	message, err := hpke.Seal(r.public, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(context), secret)
	if err != nil {
		return nil, err
	}
	wrapped := append([]byte{recoveryForm}, r.public.Bytes()...)
	return append(wrapped, message...), nil
}

func (r recoveryKey) Unwrap(_ context.Context, wrapped []byte, context string) ([]byte, error) {
	if r.private == nil {
		return nil, errNoShares
	}
	by, err := RecoveryKeyOf(wrapped)
	if err != nil || by.ID() != r.ID() {
		return nil, ErrOpen
	}
	message := wrapped[1+recoveryPublicSize:]
	secret, err := hpke.Open(r.private, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(context), message)
	if err != nil {
		return nil, ErrOpen
	}
	return secret, nil
}
