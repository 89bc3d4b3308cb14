package reseal

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

var (
	// ErrNoCustody means that a custody is not in the keyring.
	ErrNoCustody = errors.New("the keyring has no such custody: \"keyhold seal status\" shows its custodies")

	// ErrInUse means that a custody is kept, because a server opens the keyring by it.
	ErrInUse = errors.New("a server uses the custody")

	// ErrOldNodes means that a node which may answer requests does not know the formats of the change.
	ErrOldNodes = errors.New("a node runs an older version of the program, or has just started: update all nodes, and " +
		"try again after ten seconds")
)

// Add prepares that a custody is added to the keyring, which it has to open after the change. After the commit, this
// process opens the keyring by it.
func (k *Keeper) Add(ctx context.Context, to seal.Root) (c Change, err error) {
	if err := k.checkLevel(ctx); err != nil {
		return c, err
	}
	c, err = k.prepare(ctx, func(o *seal.Opened) error {
		if err := o.Upgrade(ctx, k.Root(), k.Now()); err != nil {
			return err
		}
		return o.Add(ctx, to, k.Now())
	}, to)
	if err != nil {
		return c, err
	}
	made := c.Made
	c.Made = func() {
		made()
		k.custody.Store(&to)
	}
	return c, nil
}

// Remove prepares that a custody is removed from the keyring.
func (k *Keeper) Remove(ctx context.Context, custody string) (c Change, err error) {
	s, err := k.Status(ctx)
	if err != nil {
		return c, err
	}
	i := slices.IndexFunc(s.Custodies, func(c Custody) bool { return c.ID == custody })
	switch {
	case i < 0:
		return c, fmt.Errorf("%s: %w", custody, ErrNoCustody)
	case len(s.Custodies) == 1:
		return c, seal.ErrLastCustody
	case s.Custodies[i].InUse:
		return c, fmt.Errorf("%s: %w: this server does. Move the server to another custody first: keyhold seal migrate --to",
			custody, ErrInUse)
	case len(s.Custodies[i].Nodes) > 0:
		return c, fmt.Errorf("%s: %w: node %s does. Move the node to another custody first: keyhold seal migrate --to, at "+
			"its own address", custody, ErrInUse, s.Custodies[i].Nodes[0])
	}
	if err := k.checkLevel(ctx); err != nil {
		return c, err
	}
	return k.prepare(ctx, func(o *seal.Opened) error { return o.Remove(custody) })
}

// checkLevel returns ErrOldNodes unless all nodes know the formats of the keyring and report which keyring they have.
func (k *Keeper) checkLevel(ctx context.Context) error {
	if !k.Store.Shared() {
		return nil
	}
	return k.Store.View(ctx, func(v *store.View) error {
		l, _, err := records.Levels.Get(v, records.LevelPath)
		if err == nil && l.Level < records.SealLevel {
			err = ErrOldNodes
		}
		return err
	})
}
