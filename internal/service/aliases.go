package service

import (
	"errors"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// ownAlias refers to an alias of the caller's account and Region by its name.
func (c *call) ownAlias(name string) key.Reference {
	return key.Reference{Account: c.Caller.Principal.AccountID, Region: c.Caller.Region, Alias: name}
}

// readAlias returns an alias and the key that it stands for, as they are now. An
// alias whose key is gone does not exist for any caller.
func (c *call) readAlias(from store.Getter, ref key.Reference) (key.Alias, key.Key, error) {
	a, exists, err := aliases.Get(from, aliasPath(ref.Account, ref.Region, ref.Alias))
	if err != nil {
		return key.Alias{}, key.Key{}, err
	}
	if exists {
		k, live, err := c.liveKey(from, keyPath(a.Account, a.Region, a.KeyID))
		if err != nil || live {
			return a, k, err
		}
	}
	return key.Alias{}, key.Key{}, key.Errorf(key.KindNotFound, "Alias %s is not found.", ref.ARN())
}

// rereadAlias returns an alias in a transaction. What was allowed was allowed
// on the given key: an alias that went to another one since then is a conflict.
func (c *call) rereadAlias(tx *store.Tx, name string, k key.Key) (key.Alias, error) {
	a, now, err := c.readAlias(tx, c.ownAlias(name))
	if err == nil && now.ID != k.ID {
		return key.Alias{}, store.ErrConflict
	}
	return a, err
}

// insertAlias writes an alias where there is none, its place in the index by
// key, and the guard of the key's aliases.
func insertAlias(tx *store.Tx, a key.Alias) error {
	keyPath := keyPath(a.Account, a.Region, a.KeyID)
	guard, _, err := aliasGuards.Get(tx, keyPath)
	if err != nil {
		return err
	}
	if guard.Count++; guard.Count > key.MaxAliases {
		return key.Errorf(key.KindLimitExceeded, "A key can have at most %d aliases.", key.MaxAliases)
	}
	return errors.Join(
		aliases.Put(tx, aliasPath(a.Account, a.Region, a.Name), a),
		aliasesOfKey.Put(tx, aliasOfKeyPath(a), struct{}{}),
		aliasGuards.Put(tx, keyPath, guard),
	)
}

// removeAlias takes back what insertAlias wrote.
func removeAlias(tx *store.Tx, a key.Alias) error {
	keyPath := keyPath(a.Account, a.Region, a.KeyID)
	guard, _, err := aliasGuards.Get(tx, keyPath)
	if err != nil {
		return err
	}
	if guard.Count--; guard.Count > 0 {
		err = aliasGuards.Put(tx, keyPath, guard)
	} else {
		err = aliasGuards.Delete(tx, keyPath)
	}
	return errors.Join(
		err,
		aliases.Delete(tx, aliasPath(a.Account, a.Region, a.Name)),
		aliasesOfKey.Delete(tx, aliasOfKeyPath(a)),
	)
}
