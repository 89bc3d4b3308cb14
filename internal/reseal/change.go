package reseal

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrMoved means that the keyring was changed since a Change was prepared. The Change was not made.
var ErrMoved = fmt.Errorf("%w: the keyring was changed meanwhile", store.ErrConflict)

// A Change is a change of the keyring that is prepared: custodies, which may be slow, have done their part.
type Change struct {
	was  store.Item
	kept []byte
	also func(tx *store.Tx) error // writes records besides; may be nil

	// Made must be called after the commit of the Change.
	Made func()
	// Keyring describes the keyring after the Change.
	Keyring seal.Description
}

// Put makes the Change in a transaction. If an earlier commit of unknown outcome has made it, Put does nothing.
func (c Change) Put(tx *store.Tx) error {
	item, err := records.StoredKeyring.Get(tx)
	switch {
	case err != nil:
		return err
	case bytes.Equal(item.Value, c.kept):
		return nil
	case item.Rev != c.was.Rev:
		return ErrMoved
	case !bytes.Equal(item.Value, c.was.Value):
		return corrupt(errors.New("it was read twice, and differs"))
	}
	records.StoredKeyring.Put(tx, c.kept)
	if c.also == nil {
		return nil
	}
	return c.also(tx)
}

// corrupt returns the error of a keyring that is not as it was stored.
func corrupt(err error) error { return &store.CorruptError{Path: records.KeyringPath, Err: err} }

// prepare applies fn to the keyring. Every later open of the keyring is tried before it is stored: by the custody of
// this process, and by others.
func (k *Keeper) prepare(ctx context.Context, fn func(*seal.Opened) error, others ...seal.Root) (c Change, err error) {
	if c.was, err = k.stored(ctx); err != nil {
		return c, err
	}
	if _, err := seal.Describe(c.was.Value); err != nil {
		return c, corrupt(err)
	}
	o, err := seal.Open(ctx, k.Root(), c.was.Value)
	if errors.Is(err, seal.ErrAltered) {
		return c, corrupt(err)
	}
	if err != nil {
		return c, err
	}
	if err := fn(o); err != nil {
		return c, err
	}
	if c.kept, err = o.Encode(); err != nil {
		return c, err
	}
	for _, root := range append(others, k.Root()) {
		if _, err := seal.Open(ctx, root, c.kept); err != nil {
			return c, fmt.Errorf("%s does not open the changed keyring: %w", root.ID(), err)
		}
	}
	c.Made = func() { k.Keyring.Replace(o.Keyring()) }
	c.Keyring = o.Describe()
	return c, nil
}
