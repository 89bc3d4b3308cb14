package records

import (
	"errors"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// InsertAlias writes a new alias, its entry in the index by key, and the guard of the key's
// aliases.
func InsertAlias(tx *store.Tx, a key.Alias) error {
	keyPath := KeyPath(a.Account, a.Region, a.KeyID)
	guard, _, err := AliasGuards.Get(tx, keyPath)
	if err != nil {
		return err
	}
	if guard.Count++; guard.Count > key.MaxAliases {
		return key.Errorf(key.KindLimitExceeded, "A key can have at most %d aliases.", key.MaxAliases)
	}
	return errors.Join(
		Aliases.Put(tx, AliasPath(a.Account, a.Region, a.Name), a),
		AliasesOfKey.Put(tx, AliasOfKeyPath(a), struct{}{}),
		AliasGuards.Put(tx, keyPath, guard),
	)
}

// RemoveAlias removes the records that InsertAlias wrote.
func RemoveAlias(tx *store.Tx, a key.Alias) error {
	keyPath := KeyPath(a.Account, a.Region, a.KeyID)
	guard, _, err := AliasGuards.Get(tx, keyPath)
	if err != nil {
		return err
	}
	if guard.Count--; guard.Count > 0 {
		err = AliasGuards.Put(tx, keyPath, guard)
	} else {
		err = AliasGuards.Delete(tx, keyPath)
	}
	return errors.Join(
		err,
		Aliases.Delete(tx, AliasPath(a.Account, a.Region, a.Name)),
		AliasesOfKey.Delete(tx, AliasOfKeyPath(a)),
	)
}
