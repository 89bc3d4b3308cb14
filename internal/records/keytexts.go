package records

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// WholeKeys reads keys with their texts. The record of a key covers the record of its text.
var WholeKeys = store.Joined[key.Key, key.Text]{
	First: Keys, Second: KeyTexts, Whole: hasText, Join: joinText,
}

func hasText(k key.Key) bool { return k.Short != nil }

func joinText(k key.Key, t key.Text) key.Key {
	if k.Short != nil {
		t = *k.Short
	}
	return k.WithText(t)
}

// InsertKey writes a new key and its text, in the form of a level. The transaction conflicts if the key exists.
func InsertKey(tx *store.Tx, k key.Key, level int) error {
	k, err := placeText(k, level)
	if err == nil && k.Short == nil {
		err = KeyTexts.Put(tx, PathOf(k), k.Text())
	}
	return errors.Join(err,
		Keys.Insert(tx, PathOf(k), k),
		moveDue(tx, PathOf(k), time.Time{}, k.ListedAt()),
		updateFamily(tx, key.Key{}, k))
}

// PutWhole replaces a stored key that was read with its text. It writes the text only if the text differs from the
// text of before, in the form of a level. It returns the slots that the key no longer names, like PutKeys.
func PutWhole(tx *store.Tx, before, k key.Key, level int) (left []string, err error) {
	if k.Text().Equal(before.Text()) {
		return PutKeys(tx, k)
	}
	if k, err = placeText(k, level); err != nil {
		return nil, err
	}
	if left, err = PutKeys(tx, k); err != nil {
		return nil, err
	}
	return left, moveText(tx, before, k)
}

// moveText writes or deletes the record of a text that has changed. The transaction has written the key.
func moveText(tx *store.Tx, before, k key.Key) error {
	path := PathOf(k)
	if k.Short != nil {
		if before.Short != nil {
			return nil
		}
		return KeyTexts.Delete(tx, path)
	}
	written, _, err := Keys.Get(tx, path)
	if err == nil && written.Short != nil {
		written.Short = nil
		err = Keys.Put(tx, path, written)
	}
	return errors.Join(err, KeyTexts.Put(tx, path, k.Text()))
}

// placeText returns the key with its text as a part of its record, if the text is short and all nodes of a level can
// read it there. Otherwise the text needs a record.
func placeText(k key.Key, level int) (key.Key, error) {
	if k.Policy == "" {
		return k, errors.New("the text of " + k.ARN() + " was not read")
	}
	k.Short = nil
	if text := k.Text(); text.IsShort() && level >= TextLevel {
		k.Short = &text
	}
	return k, nil
}
