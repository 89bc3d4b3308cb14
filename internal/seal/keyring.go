package seal

import (
	"context"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
)

// ErrWrongRoot means that a Keyring was wrapped under another root key.
var ErrWrongRoot = errors.New("this is not the root key that the data was sealed under")

// A Keyring holds the unwrapped data keys of a deployment. It seals values under the newest data key and opens
// them under the data key that they name.
//
// Another process can add a data key. A Keyring with a reload function then learns it (see [Keyring.OnUnknown]).
type Keyring struct {
	held   atomic.Pointer[dataKeys]
	reload func() (*Keyring, error)
	mu     sync.Mutex // held during a reload
	last   time.Time  // of the last reload
}

// dataKeys are never modified.
type dataKeys struct {
	newest uint32
	keys   map[uint32][]byte // by version, 32 bytes each
}

func keyringOf(d *dataKeys) *Keyring {
	r := &Keyring{}
	r.held.Store(d)
	return r
}

// wrappedKeyring is the stored form of a keyring, as JSON.
type wrappedKeyring struct {
	Format int          `json:"format"` // always 1
	Keys   []wrappedKey `json:"keys"`
}

type wrappedKey struct {
	Version uint32 `json:"version"`
	Wrapped []byte `json:"wrapped"`
}

// NewKeyring creates a keyring with one data key. It also returns the wrapped form, which the caller must
// store.
func NewKeyring(ctx context.Context, root Root) (*Keyring, []byte, error) {
	const first = 1
	dataKey := randomBytes(keySize)
	wrapped, err := root.Wrap(ctx, dataKey, dataKeyContext(first))
	if err != nil {
		return nil, nil, fmt.Errorf("wrap the data key: %w", err)
	}
	kept, err := json.Marshal(wrappedKeyring{Format: 1, Keys: []wrappedKey{{first, wrapped}}})
	if err != nil {
		return nil, nil, err
	}
	return keyringOf(&dataKeys{newest: first, keys: map[uint32][]byte{first: dataKey}}), kept, nil
}

// OpenKeyring opens the wrapped form of a keyring.
func OpenKeyring(ctx context.Context, root Root, kept []byte) (*Keyring, error) {
	var w wrappedKeyring
	if err := json.Unmarshal(kept, &w); err != nil {
		return nil, fmt.Errorf("read the keyring: %w", err)
	}
	if w.Format != 1 || len(w.Keys) == 0 {
		return nil, fmt.Errorf("the keyring has format %d and %d keys: use the version of the program that wrote it",
			w.Format, len(w.Keys))
	}
	r := &dataKeys{keys: map[uint32][]byte{}}
	for _, k := range w.Keys {
		dataKey, err := root.Unwrap(ctx, k.Wrapped, dataKeyContext(k.Version))
		if errors.Is(err, errOpen) {
			return nil, ErrWrongRoot
		}
		if err != nil {
			return nil, fmt.Errorf("unwrap the data key: %w", err)
		}
		r.keys[k.Version] = dataKey
		r.newest = max(r.newest, k.Version)
	}
	return keyringOf(r), nil
}

func dataKeyContext(version uint32) string { return fmt.Sprintf("keyhold data key v1 %d", version) }

// A Sealer seals values for one purpose.
type Sealer struct {
	keyring *Keyring
	purpose string
	second  []byte // secret in addition to the data key, or nil
	foreign bool   // anybody can present a value that is to be opened
}

// Records returns the Sealer of the records of a store. The place of a record is its path.
func (r *Keyring) Records() Sealer { return Sealer{keyring: r, purpose: "keyhold record v1"} }

// Materials returns the Sealer of key material, inside the record of its key.
func (r *Keyring) Materials() Sealer { return Sealer{keyring: r, purpose: "keyhold material v1"} }

// TokenKeys returns the Sealer of the keys that seal import tokens.
func (r *Keyring) TokenKeys() Sealer { return Sealer{keyring: r, purpose: "keyhold token key v1"} }

// GrantTokens returns the Sealer of grant tokens, which only callers keep.
func (r *Keyring) GrantTokens() Sealer {
	return Sealer{keyring: r, purpose: "keyhold grant token v1", foreign: true}
}

// SessionTokens returns the Sealer of the tokens of temporary credentials, which only callers keep.
func (r *Keyring) SessionTokens() Sealer {
	return Sealer{keyring: r, purpose: "keyhold session token v1", foreign: true}
}

// Under returns a Sealer that also needs the secret to seal and open. Destroying the secret therefore destroys
// the values that were sealed.
func (s Sealer) Under(secret []byte) Sealer {
	s.second = secret
	return s
}

// aead returns the cipher for a value with this salt, with a key derived from the data key and the second
// secret.
func (s Sealer) aead(dataKey, salt []byte) (cipher.AEAD, error) {
	both := slices.Concat(dataKey, s.second)
	defer clear(both)
	return derivedAEAD(both, salt, s.purpose)
}

// A sealed value contains, in this order: format (1 byte, 1), version of the data key (4 bytes, big-endian),
// salt (16 bytes), nonce (12 bytes), ciphertext, tag (16 bytes). The cipher is AES-256-GCM with a key derived
// from the data key (followed by the second secret, if any), salt and purpose. The associated data is
// everything before the nonce, and the place.
const (
	sealedFormat = 1
	versionEnd   = 1 + 4
	headerSize   = versionEnd + saltSize
)

// Seal seals a value for the place where it will be stored.
func (s Sealer) Seal(place, value []byte) ([]byte, error) {
	header := append(make([]byte, 0, headerSize), sealedFormat)
	held := s.keyring.held.Load()
	header = binary.BigEndian.AppendUint32(header, held.newest)
	header = append(header, randomBytes(saltSize)...)
	aead, err := s.aead(held.keys[held.newest], header[versionEnd:])
	if err != nil {
		return nil, err
	}
	return aead.Seal(header, nil, value, binding(header, place)), nil
}

// Open opens a value that was sealed for the same place and purpose.
func (s Sealer) Open(place, sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != sealedFormat {
		return nil, errOpen
	}
	header := sealed[:headerSize]
	dataKey, err := s.keyring.dataKey(binary.BigEndian.Uint32(header[1:versionEnd]), s.foreign)
	if err != nil {
		return nil, err
	}
	aead, err := s.aead(dataKey, header[versionEnd:])
	if err != nil {
		return nil, err
	}
	value, err := aead.Open(nil, nil, sealed[headerSize:], binding(header, place))
	if err != nil {
		return nil, errOpen
	}
	return value, nil
}

// binding returns the associated data. The header has a fixed size, so different pairs of header and place give
// different bytes.
func binding(header, place []byte) []byte {
	return append(header[:headerSize:headerSize], place...)
}
