package records

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// WholeKeys reads keys with their texts. The record of a key covers the record of its text.
var WholeKeys = store.Joined[key.Key, key.Text]{First: Keys, Second: KeyTexts, Join: key.Key.WithText}

// InsertKey writes a new key and its text. The transaction conflicts if the key exists.
func InsertKey(tx *store.Tx, k key.Key) error {
	return errors.Join(
		Keys.Insert(tx, PathOf(k), k),
		moveDue(tx, PathOf(k), time.Time{}, k.ListedAt()),
		updateFamily(tx, key.Key{}, k),
		putText(tx, k))
}

// PutWhole replaces a stored key that was read with its text. It writes the text only if the text differs from the
// text of before. It returns the slots that the key no longer names, like PutKeys.
func PutWhole(tx *store.Tx, before, k key.Key) (left []string, err error) {
	if left, err = PutKeys(tx, k); err != nil {
		return nil, err
	}
	if !k.Text().Equal(before.Text()) {
		err = putText(tx, k)
	}
	return left, err
}

// putText writes the text of a key that the transaction also writes.
func putText(tx *store.Tx, k key.Key) error {
	if k.Policy == "" {
		return errors.New("the text of " + k.ARN() + " was not read")
	}
	return KeyTexts.Put(tx, PathOf(k), k.Text())
}
