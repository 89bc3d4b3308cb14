package records

import (
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A textTest changes the text of one key.
type textTest struct {
	*testing.T
	store *store.Store
}

func (c textTest) update(fn func(tx *store.Tx) error) error { return c.store.Update(c.Context(), fn) }

// whole returns the stored key with its text, and whether the text has a record.
func (c textTest) whole(k key.Key) (stored key.Key, apart bool) {
	c.Helper()
	err := c.store.View(c.Context(), func(v *store.View) (err error) {
		if _, apart, err = KeyTexts.Get(v, PathOf(k)); err != nil {
			return err
		}
		stored, _, err = WholeKeys.Get(v, PathOf(k))
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	if apart == (stored.Short != nil) {
		c.Errorf("a record for the text: %v, a text in the key: %+v", apart, stored.Short)
	}
	return stored, apart
}

// A key that was read without its text does not overwrite the text.
func TestTextsAreNotLost(t *testing.T) {
	for _, level := range []int{TextLevel - 1, TextLevel} {
		c := textTest{t, newStore(t, memory.New())}
		k := key.Key{ID: "k", Account: "a", Region: "r", Policy: "{}", Description: "d"}
		if err := c.update(func(tx *store.Tx) error { return InsertKey(tx, k, level) }); err != nil {
			t.Fatal(err)
		}
		bare := key.Key{ID: "k", Account: "a", Region: "r"}
		err := c.update(func(tx *store.Tx) error { return InsertKey(tx, bare, level) })
		if err == nil || err.Error() != "the text of arn:aws:kms:r:a:key/k was not read" {
			t.Errorf("a new key without text: %v", err)
		}
		if err := c.update(func(tx *store.Tx) error { _, err := PutWhole(tx, k, bare, level); return err }); err == nil {
			t.Error("a key without text was written as whole")
		}
		bare.State = key.Disabled
		if err := c.update(func(tx *store.Tx) error { _, err := PutKeys(tx, bare); return err }); err != nil {
			t.Fatal(err)
		}
		stored, apart := c.whole(k)
		if stored.Policy != "{}" || stored.Description != "d" || stored.State != key.Disabled || apart != (level < TextLevel) {
			t.Errorf("level %d: %+v, %v", level, stored, apart)
		}
	}
}

// The text of a key is a part of its record while it is short, and if all nodes know such records.
func TestTextsMove(t *testing.T) {
	c := textTest{t, newStore(t, memory.New())}
	k := key.Key{ID: "k", Account: "a", Region: "r", Policy: "{}"}
	if err := c.update(func(tx *store.Tx) error { return InsertKey(tx, k, TextLevel-1) }); err != nil {
		t.Fatal(err)
	}
	short, long := strings.Repeat("s", key.MaxShortText-len("{}")), strings.Repeat("l", key.MaxShortText-len("{}")+1)
	for i, step := range []struct {
		description string
		level       int
		apart       bool
	}{
		{"old", TextLevel - 1, true}, {"new", TextLevel, false}, {short, TextLevel, false}, {short + "", TextLevel, false},
		{long, TextLevel, true}, {"short", TextLevel, false}, {"other", TextLevel - 1, true}, {long, TextLevel, true},
		{long + "er", TextLevel, true}, {"", TextLevel, false},
	} {
		before, _ := c.whole(k)
		after := before
		after.Description = step.description
		if err := c.update(func(tx *store.Tx) error {
			_, err := PutWhole(tx, before, after, step.level)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		stored, apart := c.whole(k)
		if stored.Policy != "{}" || stored.Description != step.description || apart != step.apart {
			t.Errorf("%d: %d bytes, %v", i, len(stored.Description), apart)
		}
		disabled := stored
		disabled.State = key.Disabled
		if err := c.update(func(tx *store.Tx) error {
			_, err := PutWhole(tx, stored, disabled, step.level)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if kept, still := c.whole(k); still != apart || !kept.Text().Equal(stored.Text()) {
			t.Errorf("%d: another state changed the text: %+v, %v", i, kept, still)
		}
	}
}
