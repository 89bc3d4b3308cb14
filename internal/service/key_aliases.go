package service

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// ownAlias returns the reference to an alias of the caller's account and Region.
func (c *call) ownAlias(name string) key.Reference {
	return key.Reference{Account: c.Caller.Principal.AccountID, Region: c.Caller.Region, Alias: name}
}

// readAlias returns an alias and its key in their present state. An alias of a removed key does
// not exist for any caller.
func (c *call) readAlias(from store.Getter, ref key.Reference) (key.Alias, key.Key, error) {
	a, exists, err := records.Aliases.Get(from, records.AliasPath(ref.Account, ref.Region, ref.Alias))
	if err != nil {
		return key.Alias{}, key.Key{}, err
	}
	if exists {
		k, live, err := c.liveKey(from, records.KeyPath(a.Account, a.Region, a.KeyID))
		if err != nil || live {
			return a, k, err
		}
	}
	return key.Alias{}, key.Key{}, key.Errorf(key.KindNotFound, "Alias %s is not found.", ref.ARN())
}

// rereadAlias returns an alias in a transaction. The decision was about the key k. If the alias
// has moved to another key, the result is a conflict.
func (c *call) rereadAlias(tx *store.Tx, name string, k key.Key) (key.Alias, error) {
	a, now, err := c.readAlias(tx, c.ownAlias(name))
	if err == nil && now.ID != k.ID {
		return key.Alias{}, store.ErrConflict
	}
	return a, err
}
