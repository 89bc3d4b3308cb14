package seal

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"slices"
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
	root   []byte            // the newest root key, 32 bytes; nil in format 1
	keys   map[uint32][]byte // data keys by version, 32 bytes each
}

// generate returns a keyring of one root key and one data key, which no Root has wrapped yet.
func generate(now time.Time) (*Opened, error) {
	const first = 1
	o := &Opened{keys: map[uint32][]byte{first: randomBytes(keySize)}}
	o.stored.Keys = []storedKey{{Version: first, Made: toSecond(now)}}
	return o, o.addRoot(now)
}

// addRoot generates a root key that wraps the data keys from then on. No custody has wrapped it yet.
func (o *Opened) addRoot(now time.Time) error {
	version := uint32(1)
	if o.root != nil {
		version = o.stored.newest().Version + 1
	}
	by := localRoot{key: randomBytes(keySize)}
	for i, k := range o.stored.Keys {
		wrapped, err := by.Wrap(context.Background(), o.keys[k.Version], dataKeyContext(k.Version))
		if err != nil {
			return err
		}
		o.stored.Keys[i].Root, o.stored.Keys[i].Wrapped = version, wrapped
	}
	r := storedRoot{Version: version, Made: toSecond(now)}
	if o.root != nil {
		var err error
		if r.Bridge, err = (localRoot{key: o.root}).Wrap(context.Background(), by.key, rootKeyContext(version)); err != nil {
			return err
		}
	}
	o.stored.Roots = append(o.stored.Roots, r)
	o.stored.Format, o.root = o.stored.format(), by.key
	return nil
}

// Open opens a stored keyring with a Root that has wrapped it.
func Open(ctx context.Context, root Root, kept []byte) (*Opened, error) {
	s, err := parseKeyring(kept)
	if err != nil {
		return nil, err
	}
	o := &Opened{stored: s, keys: map[uint32][]byte{}}
	by := root
	if s.Format > 1 {
		if o.root, err = s.openRoot(ctx, root); err != nil {
			return nil, err
		}
		by = localRoot{key: o.root}
	}
	for _, k := range s.Keys {
		if s.Format > 1 && k.Root != s.newest().Version {
			return nil, ErrAltered
		}
		if o.keys[k.Version], err = unwrap(ctx, by, k.Wrapped, dataKeyContext(k.Version)); err != nil {
			return nil, fmt.Errorf("unwrap the data key: %w", err)
		}
	}
	return o, o.verify()
}

// verify checks the MAC of a keyring that is not of format 1.
func (o *Opened) verify() error {
	if o.stored.Format == 1 {
		return nil
	}
	mac, err := o.stored.mac(o.root)
	if err == nil && !hmac.Equal(mac, o.stored.MAC) {
		err = ErrAltered
	}
	return err
}

// openRoot returns the newest root key. root opens the newest root key that it has wrapped, from which bridges lead to
// the newest one.
func (s stored) openRoot(ctx context.Context, root Root) (rootKey []byte, err error) {
	for i := len(s.Roots) - 1; i >= 0; i-- {
		w, ok := s.Roots[i].wrapBy(root.ID())
		if !ok {
			continue
		}
		rootKey, err = unwrap(ctx, root, w.Wrapped, rootKeyContext(s.Roots[i].Version))
		if err != nil {
			return nil, fmt.Errorf("unwrap the root key: %w", err)
		}
		for _, r := range s.Roots[i+1:] {
			if rootKey, err = unwrap(ctx, localRoot{key: rootKey}, r.Bridge, rootKeyContext(r.Version)); err != nil {
				return nil, ErrAltered
			}
		}
		return rootKey, nil
	}
	return nil, fmt.Errorf("%w: it is in the custody of %s, and not of %s",
		ErrWrongRoot, strings.Join(s.custodies(), ", "), root.ID())
}

// wrapBy returns the wrap of a custody.
func (r storedRoot) wrapBy(custody string) (w storedWrap, ok bool) {
	i := slices.IndexFunc(r.Wraps, func(w storedWrap) bool { return w.Custody == custody })
	if i < 0 {
		return w, false
	}
	return r.Wraps[i], true
}

// custodies returns the IDs of all custodies, each once.
func (s stored) custodies() (ids []string) {
	for _, r := range s.Roots {
		for _, w := range r.Wraps {
			if !slices.Contains(ids, w.Custody) {
				ids = append(ids, w.Custody)
			}
		}
	}
	return ids
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
