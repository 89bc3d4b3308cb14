package seal

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

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
	newest uint32            // under which values are sealed
	latest uint32            // that there is; later than newest if a data key waits
	oldest uint32            // all earlier ones are destroyed
	keys   map[uint32][]byte // by version, 32 bytes each
}

// isBefore reports whether d was read before other was stored. The versions only grow.
func (d *dataKeys) isBefore(other *dataKeys) bool {
	return d.latest < other.latest || d.newest < other.newest || d.oldest < other.oldest
}

func keyringOf(d *dataKeys) *Keyring {
	r := &Keyring{}
	r.held.Store(d)
	return r
}

// Replace makes the data keys of a keyring that was read later the data keys of r.
func (r *Keyring) Replace(by *Keyring) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replace(by)
}

// replace is Replace for a caller that holds r.mu. Of two readings it keeps the later one.
func (r *Keyring) replace(by *Keyring) {
	if d := by.held.Load(); !d.isBefore(r.held.Load()) {
		r.held.Store(d)
	}
}

// Sealing returns the version of the data key under which r seals.
func (r *Keyring) Sealing() uint32 { return r.held.Load().newest }

// Latest returns the version of the newest data key that r has.
func (r *Keyring) Latest() uint32 { return r.held.Load().latest }

// Oldest returns the version of the oldest data key that was not destroyed.
func (r *Keyring) Oldest() uint32 { return r.held.Load().oldest }

// NewKeyring creates a keyring with one root key and one data key. It also returns the stored form, which the caller
// must keep.
func NewKeyring(ctx context.Context, root Root) (*Keyring, []byte, error) {
	now := time.Now()
	o, err := generate(now)
	if err == nil {
		err = o.Add(ctx, root, now)
	}
	if err != nil {
		return nil, nil, err
	}
	kept, err := o.Encode()
	if err != nil {
		return nil, nil, err
	}
	return o.Keyring(), kept, nil
}

// OpenKeyring opens a stored keyring.
func OpenKeyring(ctx context.Context, root Root, kept []byte) (*Keyring, error) {
	o, err := Open(ctx, root, kept)
	if err != nil {
		return nil, err
	}
	return o.Keyring(), nil
}

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

// Markers returns the Sealer of the markers of listings, which only callers keep.
func (r *Keyring) Markers() Sealer {
	return Sealer{keyring: r, purpose: "keyhold marker v1", foreign: true}
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
	both := append(append(make([]byte, 0, 2*keySize), dataKey...), s.second...)
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
	nonceSize    = 12
	tagSize      = 16
)

// Seal seals a value for the place where it will be stored.
func (s Sealer) Seal(place, value []byte) ([]byte, error) {
	start, aead, err := s.begin()
	if err != nil {
		return nil, err
	}
	sealed := start.room(value)
	return aead.Seal(sealed, nil, value, binding(sealed, place)), nil
}

// SealAll seals values, each for its place. The values have one salt and therefore one key, which is derived once, and
// each has a random nonce of its own.
func (s Sealer) SealAll(places, values [][]byte) ([][]byte, error) {
	start, aead, err := s.begin()
	if err != nil {
		return nil, err
	}
	sealed := make([][]byte, len(values))
	var data []byte // associated data
	for i, value := range values {
		data = append(append(data[:0], start[:]...), places[i]...)
		sealed[i] = aead.Seal(start.room(value), nil, value, data)
	}
	return sealed, nil
}

// begin returns the header of new values, with a new salt, and their cipher.
func (s Sealer) begin() (h header, aead cipher.AEAD, err error) {
	held := s.keyring.held.Load()
	h[0] = sealedFormat
	binary.BigEndian.PutUint32(h[1:versionEnd], held.newest)
	rand.Read(h[versionEnd:]) // never fails: the program ends first (crypto/rand)
	aead, err = s.aead(held.keys[held.newest], h[versionEnd:])
	return h, aead, err
}

// A header is the beginning of a sealed value.
type header [headerSize]byte

// room returns a copy of the header, with room for the sealed value behind it.
func (h *header) room(value []byte) []byte {
	return append(make([]byte, 0, headerSize+nonceSize+len(value)+tagSize), h[:]...)
}

// Open opens a value that was sealed for the same place and purpose.
func (s Sealer) Open(place, sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != sealedFormat {
		return nil, ErrOpen
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
		return nil, ErrOpen
	}
	return value, nil
}

// VersionOf returns the version of the data key that a sealed value names, or 0 if it is not a sealed value.
func VersionOf(sealed []byte) uint32 {
	if len(sealed) < headerSize || sealed[0] != sealedFormat {
		return 0
	}
	return binary.BigEndian.Uint32(sealed[1:versionEnd])
}

// binding returns the associated data. The header has a fixed size, so different pairs of header and place give
// different bytes.
func binding(header, place []byte) []byte {
	return append(header[:headerSize:headerSize], place...)
}
