package seal

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrWrongRoot means that a Root does not open a keyring, because other Roots wrapped it.
var ErrWrongRoot = errors.New("this is not the root key that the data was sealed under")

// ErrAltered means that a stored keyring was changed by somebody without its root key.
var ErrAltered = errors.New("the keyring was altered by somebody who does not have the root key")

// An Opened is a stored keyring with its keys in the clear, so that it can be changed.
type Opened struct {
	stored stored
	roots  map[uint32][]byte // root keys by version, 32 bytes each; empty in format 1
	keys   map[uint32][]byte // data keys by version, 32 bytes each
}

// generate returns a keyring of one root key and one data key, which no Root has wrapped yet.
func generate(now time.Time) (*Opened, error) {
	const first = 1
	o := &Opened{keys: map[uint32][]byte{first: randomBytes(keySize)}}
	o.stored.Keys = []storedKey{{Version: first, Made: toSecond(now)}}
	return o, o.addRoot(now)
}

// addRoot generates a root key and wraps the data keys with it. The keyring is then of the newest format.
func (o *Opened) addRoot(now time.Time) error {
	const version = 1
	by := localRoot{key: randomBytes(keySize)}
	for i, k := range o.stored.Keys {
		wrapped, err := by.Wrap(context.Background(), o.keys[k.Version], dataKeyContext(k.Version))
		if err != nil {
			return err
		}
		o.stored.Keys[i].Root, o.stored.Keys[i].Wrapped = version, wrapped
	}
	o.stored.Format = newestKeyring
	o.stored.Roots = []storedRoot{{Version: version, Made: toSecond(now)}}
	o.roots = map[uint32][]byte{version: by.key}
	return nil
}

// Open opens a stored keyring with a Root that has wrapped it.
func Open(ctx context.Context, root Root, kept []byte) (*Opened, error) {
	s, err := parseKeyring(kept)
	if err != nil {
		return nil, err
	}
	o := &Opened{stored: s, roots: map[uint32][]byte{}, keys: map[uint32][]byte{}}
	for _, r := range s.Roots {
		if o.roots[r.Version], err = r.open(ctx, root); err != nil {
			return nil, err
		}
	}
	for _, k := range s.Keys {
		by := root
		if s.Format > 1 {
			rootKey, ok := o.roots[k.Root]
			if !ok {
				return nil, ErrAltered
			}
			by = localRoot{key: rootKey}
		}
		if o.keys[k.Version], err = unwrap(ctx, by, k.Wrapped, dataKeyContext(k.Version)); err != nil {
			return nil, fmt.Errorf("unwrap the data key: %w", err)
		}
	}
	return o, o.verify()
}

// verify checks the MAC of a keyring of format 2.
func (o *Opened) verify() error {
	if o.stored.Format == 1 {
		return nil
	}
	mac, err := o.stored.mac(o.newestRoot())
	if err == nil && !hmac.Equal(mac, o.stored.MAC) {
		err = ErrAltered
	}
	return err
}

// newestRoot returns the newest root key.
func (o *Opened) newestRoot() []byte {
	return o.roots[o.stored.Roots[len(o.stored.Roots)-1].Version]
}

// open returns the root key that a Root wrapped.
func (r storedRoot) open(ctx context.Context, root Root) ([]byte, error) {
	var others []string
	for _, w := range r.Wraps {
		if w.Custody != root.ID() {
			others = append(others, w.Custody)
			continue
		}
		rootKey, err := unwrap(ctx, root, w.Wrapped, rootKeyContext(r.Version))
		if err != nil {
			return nil, fmt.Errorf("unwrap the root key: %w", err)
		}
		return rootKey, nil
	}
	return nil, fmt.Errorf("%w: it is in the custody of %s, and not of %s",
		ErrWrongRoot, strings.Join(others, ", "), root.ID())
}

// unwrap returns a key that a Root wrapped, 32 bytes.
func unwrap(ctx context.Context, by Root, wrapped []byte, context string) ([]byte, error) {
	k, err := by.Unwrap(ctx, wrapped, context)
	if errors.Is(err, ErrOpen) || err == nil && len(k) != keySize {
		return nil, ErrWrongRoot
	}
	return k, err
}

func dataKeyContext(version uint32) string { return fmt.Sprintf("keyhold data key v1 %d", version) }
func rootKeyContext(version uint32) string { return fmt.Sprintf("keyhold root key v1 %d", version) }
