package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
)

// A stored keyring is JSON. In format 2, a root key wraps the data keys, and each custody of the deployment wraps the
// root key, so a new data key needs no custody. In format 1, the only custody wraps the data keys.
type stored struct {
	Format int          `json:"format"`
	Roots  []storedRoot `json:"roots,omitempty"` // in format 2: the newest is the last
	Keys   []storedKey  `json:"keys"`
	MAC    []byte       `json:"mac,omitempty"` // in format 2
}

type storedRoot struct {
	Version uint32       `json:"version"`
	Made    time.Time    `json:"made"`
	Wraps   []storedWrap `json:"wraps"`
}

// A storedWrap is a root key that a custody has wrapped.
type storedWrap struct {
	Custody string    `json:"custody"` // Root.ID
	Made    time.Time `json:"made"`
	Wrapped []byte    `json:"wrapped"`
}

// A storedKey is a wrapped data key.
type storedKey struct {
	Version uint32    `json:"version"`
	Root    uint32    `json:"root,omitzero"` // in format 2: the version of the root key
	Made    time.Time `json:"made,omitzero"` // in format 2
	Wrapped []byte    `json:"wrapped"`
}

const newestKeyring = 2

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

// mac returns the HMAC-SHA-256 of the keyring without its MAC. Nothing else keeps who can write the store from adding a
// wrap of their own, to which the next root key would be wrapped too.
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
