package shares

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"

	"github.com/keyhold/keyhold/internal/crypt"
)

// MaxShares is the maximum number of shares of a secret.
const MaxShares = 32

// maxSecret is the maximum size of a secret in bytes. Private keys have at most 2,375 bytes.
const maxSecret = 8 << 10

// groupOf is the group of the scalars and commitments: its operations take constant time, unlike operations on the NIST
// curves in circl, and every element has one encoding (RFC 9496).
var groupOf = group.Ristretto255

// Split splits a secret into count shares, of which any threshold bring it back. The caller clears the secret, and each
// share with Clear.
func Split(l Label, secret []byte, threshold, count int) (all []*Share, err error) {
	switch {
	case threshold < 1 || threshold > count:
		return nil, fmt.Errorf("%d shares cannot have the threshold %d: give 1 to %d", count, threshold, count)
	case count > MaxShares:
		return nil, fmt.Errorf("a secret has at most %d shares, not %d", MaxShares, count)
	case len(secret) == 0 || len(secret) > maxSecret:
		return nil, fmt.Errorf("a secret of %d bytes cannot be split: it has 1 to %d bytes", len(secret), maxSecret)
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	crypt.Secretly(func() { all, err = split(Set{Label: l, Threshold: threshold, Count: count}, secret) })
	return all, err
}

func split(s Set, secret []byte) (all []*Share, err error) {
	scalar := groupOf.RandomNonZeroScalar(rand.Reader)
	defer scalar.SetUint64(0)
	sharing := secretsharing.New(rand.Reader, uint(s.Threshold-1), scalar)
	s.commitments = sharing.CommitSecret()
	aead, err := s.aead(scalar)
	if err != nil {
		return nil, err
	}
	s.sealed = aead.Seal(nil, nil, secret, nil)
	for i, made := range sharing.Share(uint(s.Count)) {
		all = append(all, &Share{Set: s, Index: i + 1, value: made.Value})
	}
	return all, nil
}

// aead returns AES-256-GCM with a key that is derived from the scalar and everything that the shares have in common, so
// a changed label does not open.
func (s *Set) aead(scalar group.Scalar) (cipher.AEAD, error) {
	encoded, err := scalar.MarshalBinary()
	if err != nil {
		return nil, err
	}
	defer clear(encoded)
	header := sha256.Sum256(s.header())
	key, err := hkdf.Key(sha256.New, encoded, header[:], "keyhold share v1", 32)
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

// verify reports whether the value of the share belongs to its commitments.
func (s *Share) verify() bool {
	return secretsharing.Verify(uint(s.Threshold-1), s.point(), s.commitments)
}

// point returns the share as circl has it.
func (s *Share) point() secretsharing.Share {
	return secretsharing.Share{ID: groupOf.NewScalar().SetUint64(uint64(s.Index)), Value: s.value}
}

// A Given is a share, and the name of the place that it was read from.
type Given struct {
	*Share
	From string
}

// ErrTooFew means that fewer shares were given than the threshold.
var ErrTooFew = errors.New("too few shares")

// Join returns the secret of shares, which the caller clears. Errors name the share that is wrong.
func Join(given []Given) (secret []byte, err error) {
	if err := checkGiven(given); err != nil {
		return nil, err
	}
	crypt.Secretly(func() { secret, err = join(given) })
	return secret, err
}

func join(given []Given) ([]byte, error) {
	first := given[0]
	points := make([]secretsharing.Share, len(given))
	for i, g := range given {
		points[i] = g.point()
	}
	scalar, err := secretsharing.Recover(uint(first.Threshold-1), points)
	if err != nil {
		return nil, err
	}
	defer scalar.SetUint64(0)
	if !groupOf.NewElement().MulGen(scalar).IsEqual(first.commitments[0]) {
		return nil, errors.New("the shares do not belong together: a share was altered")
	}
	aead, err := first.aead(scalar)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, nil, first.sealed, nil)
	if err != nil {
		return nil, errors.New("the shares do not open their secret: they were altered")
	}
	return secret, nil
}

// checkGiven refuses shares of several sets, doubles, and fewer shares than the threshold.
func checkGiven(given []Given) error {
	if len(given) == 0 {
		return fmt.Errorf("%w: none was given", ErrTooFew)
	}
	first, seen := given[0], map[int]string{}
	for _, g := range given {
		if !g.verify() {
			return fmt.Errorf("%s: share %d is wrong: its value does not belong to its commitments", g.From, g.Index)
		}
		if g.Fingerprint() != first.Fingerprint() {
			return fmt.Errorf("%s and %s are shares of different sets: %s of %s, and %s of %s", first.From, g.From,
				first.Fingerprint(), first.Of, g.Fingerprint(), g.Of)
		}
		if other, twice := seen[g.Index]; twice {
			return fmt.Errorf("%s and %s are the same share, %d", other, g.From, g.Index)
		}
		seen[g.Index] = g.From
	}
	if len(given) < first.Threshold {
		return fmt.Errorf("%w: %d are given, and %d are needed", ErrTooFew, len(given), first.Threshold)
	}
	return nil
}
