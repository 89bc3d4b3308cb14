package nodes

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// levelOf returns the level of a deployment. A deployment without the record has level 1.
func levelOf(from store.Getter) (int64, error) {
	l, _, err := records.Levels.Get(from, records.LevelPath)
	return int64(max(1, l.Level)), err
}

// enterLevel refuses a node that does not know the level of the deployment. It writes the record, so
// that a transaction that raises the level conflicts with the start of an older node.
func (n *Nodes) enterLevel(tx *store.Tx) error {
	level, err := n.knownLevel(tx)
	return errors.Join(err, records.Levels.Put(tx, records.LevelPath, records.Level{Level: int(level)}))
}

// knownLevel returns the level of the deployment, or ErrNewerLevel if this program does not know it.
func (n *Nodes) knownLevel(from store.Getter) (int64, error) {
	level, err := levelOf(from)
	if err == nil && level > int64(n.Level) {
		err = fmt.Errorf("%w: level %d, and this program knows levels up to %d", ErrNewerLevel, level, n.Level)
	}
	return level, err
}

// raiseLevel raises the level to the newest one that all nodes know that may answer requests.
func (n *Nodes) raiseLevel(ctx context.Context) error {
	return n.Store.Update(ctx, func(tx *store.Tx) error {
		level, err := levelOf(tx)
		if err != nil {
			return err
		}
		v, err := records.Levels.Covered(tx, records.LevelPath)
		if err != nil {
			return err
		}
		known, err := lowestLevel(v)
		if err != nil || known <= level {
			return err
		}
		return records.Levels.Put(tx, records.LevelPath, records.Level{Level: int(known)})
	})
}

// lowestLevel returns the newest level that all nodes know that may answer requests.
func lowestLevel(v *store.View) (lowest int64, err error) {
	serving, err := records.Confirmations.Scan(v, "", "", maxNodes)
	for _, c := range serving {
		n, _, err := records.Nodes.Get(v, c.Path)
		if err != nil {
			return 0, err
		}
		if l := int64(n.Level); lowest == 0 || l < lowest {
			lowest = l
		}
	}
	return lowest, err
}
