package reseal

import (
	"context"
	"fmt"

	"github.com/keyhold/keyhold/internal/seal"
)

// Recover prepares a new custody for a deployment that is open by its recovery key. The other custodies stay, or leave
// the keyring if alone is true. The recovery key stays. The caller has proved the custody by a wrap and an unwrap.
func (k *Keeper) Recover(ctx context.Context, to seal.Root, alone bool) (c Change, err error) {
	var others []string
	if alone {
		if others, err = k.unused(ctx, to.ID()); err != nil {
			return c, err
		}
	}
	c, err = k.prepare(ctx, func(o *seal.Opened) error {
		if err := o.Add(ctx, to, k.Now()); err != nil {
			return err
		}
		for _, id := range others {
			if err := o.Remove(id); err != nil {
				return err
			}
		}
		return nil
	}, to)
	return c, err
}

// unused returns the IDs of all custodies except one and the recovery keys. It returns ErrInUse if a node uses one of
// them.
func (k *Keeper) unused(ctx context.Context, except string) (ids []string, err error) {
	s, err := k.Status(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range s.Custodies {
		switch {
		case c.ID == except || seal.IsRecoveryKey(c.ID):
		case len(c.Nodes) > 0:
			return nil, fmt.Errorf("%s: %w: node %s does", c.ID, ErrInUse, c.Nodes[0])
		default:
			ids = append(ids, c.ID)
		}
	}
	return ids, nil
}

// SetUpRecovery prepares that a recovery key wraps the root key, in place of earlier recovery keys. recovery has its
// private half, which has to open the changed keyring.
func (k *Keeper) SetUpRecovery(ctx context.Context, recovery seal.Root) (c Change, err error) {
	return k.prepare(ctx, func(o *seal.Opened) error {
		if o.Describe().Format == 1 {
			if err := k.checkLevel(ctx); err != nil {
				return err
			}
			if err := o.Upgrade(ctx, k.Root(), k.Now()); err != nil {
				return err
			}
		}
		former, err := o.RecoveryKeys()
		if err != nil {
			return err
		}
		if err := o.Add(ctx, recovery, k.Now()); err != nil {
			return err
		}
		for _, root := range former {
			if err := o.Remove(root.ID()); err != nil {
				return err
			}
		}
		return nil
	}, recovery)
}
