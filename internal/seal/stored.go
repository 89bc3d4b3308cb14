package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// A stored keyring is JSON. In format 2, a root key wraps the data keys, and each custody of the deployment wraps the
// root key, so a new data key needs no custody. In format 1, the only custody wraps the data keys. Format 3 is format
// 2 during a rotation: a bridge, or a data key that waits. When the rotation is over, the keyring has format 2 again.
type stored struct {
	Format int          `json:"format"`
	Roots  []storedRoot `json:"roots,omitempty"` // from format 2 on: the newest, which wraps all data keys, is the last
	Keys   []storedKey  `json:"keys"`            // the newest is the last
	MAC    []byte       `json:"mac,omitempty"`   // from format 2 on
}

// A storedRoot is a root key. The keyring has an older root key only as long as a custody has not wrapped the newest
// one.
type storedRoot struct {
	Version uint32       `json:"version"`
	Made    time.Time    `json:"made"`
	Wraps   []storedWrap `json:"wraps,omitempty"`
	Bridge  []byte       `json:"bridge,omitempty"` // in format 3: this root key, wrapped by the root key before it
}

// A storedWrap is a root key that a custody has wrapped.
type storedWrap struct {
	Custody string    `json:"custody"` // Root.ID
	Made    time.Time `json:"made"`    // since when the custody is in the keyring
	Wrapped []byte    `json:"wrapped"`
}

// A storedKey is a wrapped data key.
type storedKey struct {
	Version uint32    `json:"version"`
	Root    uint32    `json:"root,omitzero"` // from format 2 on: the version of the root key
	Made    time.Time `json:"made,omitzero"` // from format 2 on
	Waiting bool      `json:"waiting,omitzero"`
	Wrapped []byte    `json:"wrapped"`
}

const newestKeyring = 3

// parseKeyring reads a stored keyring. It does not verify the MAC.
func parseKeyring(kept []byte) (s stored, err error) {
	var only struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(kept, &only); err != nil {
		return s, fmt.Errorf("read the keyring: %w", err)
	}
	if only.Format < 1 || only.Format > newestKeyring {
		return s, fmt.Errorf("the keyring has format %d: use the version of the program that wrote it", only.Format)
	}
	if err := json.Unmarshal(kept, &s, json.RejectUnknownMembers(only.Format > 1)); err != nil {
		return s, fmt.Errorf("read the keyring: %w", err)
	}
	if len(s.Keys) == 0 || (len(s.Roots) > 0) != (s.Format > 1) {
		return s, errors.New("read the keyring: it has no keys, or no root keys")
	}
	return s, nil
}

// format returns the oldest format that has a place for everything in the keyring.
func (s stored) format() int {
	bridged := slices.ContainsFunc(s.Roots, func(r storedRoot) bool { return r.Bridge != nil })
	waits := slices.ContainsFunc(s.Keys, func(k storedKey) bool { return k.Waiting })
	switch {
	case bridged || waits:
		return 3
	case len(s.Roots) > 0:
		return 2
	}
	return 1
}

// newest returns the newest root key of a keyring that is not of format 1.
func (s stored) newest() *storedRoot { return &s.Roots[len(s.Roots)-1] }

// mac returns the HMAC-SHA-256 of the keyring without its MAC. Nothing else keeps who can write the store from adding
// a wrap of their own, to which the next root key would be wrapped too.
func (s stored) mac(rootKey []byte) ([]byte, error) {
	s.MAC = nil
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, rootKey, nil, "keyhold keyring v2", keySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	h := hmac.New(sha256.New, key)
	h.Write(text)
	return h.Sum(nil), nil
}
