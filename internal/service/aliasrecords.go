package service

import (
	"errors"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

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
