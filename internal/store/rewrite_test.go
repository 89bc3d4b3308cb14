package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// An unsealed record is stored as it is, is checked by the transaction that read it, and does not show its own Put.
func TestUnsealed(t *testing.T) {
	s, db := newStore(t)
	const u = store.Unsealed("keyring")
	var rev int64
	put := func(value string, rival bool) (runs int, err error) {
		err = s.Update(t.Context(), func(tx *store.Tx) error {
			item, err := u.Get(tx)
			if runs++; runs == 1 && rival {
				plant(t, db, "keyring", []byte("rival"))
			}
			if runs == 2 && string(item.Value) != "rival" {
				t.Errorf("the second run reads %q", item.Value)
			}
			u.Put(tx, []byte("older"))
			u.Put(tx, []byte(value))
			again, failed := u.Get(tx)
			if string(again.Value) != string(item.Value) {
				t.Errorf("a transaction shows its own Put: %q", again.Value)
			}
			return errors.Join(err, failed)
		})
		return runs, err
	}
	get := func(from string) {
		t.Helper()
		err := s.View(t.Context(), func(v *store.View) error {
			item, err := u.Get(v)
			if string(item.Value) != from || (item.Rev == 0) != (from == "") || item.Rev < rev {
				t.Errorf("%q at %d, want %q", item.Value, item.Rev, from)
			}
			rev = item.Rev
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	get("")
	if runs, err := put("first", false); runs != 1 || err != nil {
		t.Errorf("%d runs, %v", runs, err)
	}
	get("first")
	if item := readItem(t, db, "keyring"); string(item.Value) != "first" {
		t.Errorf("the Backend has %q", item.Value)
	}
	if runs, err := put("second", true); runs != 2 || err != nil {
		t.Errorf("beside a rival: %d runs, %v", runs, err)
	}
	get("second")
}

// Sealed returns the sealed items of all tables behind a key, and Reseal replaces an item that has not changed
// meanwhile.
func TestSealedItems(t *testing.T) {
	s, db := newStore(t)
	put(t, s, "a", "b", "c")
	list := func(items []store.Item) (keys string) {
		for _, item := range items {
			keys += " " + string(item.Key)
		}
		return strings.TrimSpace(keys)
	}
	before := map[string]string{}
	err := s.View(t.Context(), func(v *store.View) error {
		for _, test := range []struct {
			after string
			limit int
			want  string
		}{{"", 10, "people/a people/b people/c"}, {"", 2, "people/a people/b"}, {"people/a", 10, "people/b people/c"}, {"people/", 1, "people/a"}, {"people/c", 10, ""}} {
			items, err := v.Sealed(test.after, test.limit)
			if err != nil || list(items) != test.want {
				t.Errorf("behind %q: %s, %v, want %s", test.after, list(items), err, test.want)
			}
			for _, item := range items {
				before[string(item.Key)] = string(item.Value)
				plain, err := v.Open(item)
				if err != nil || !strings.Contains(string(plain), "{") || strings.Contains(string(item.Value), string(plain)) {
					t.Errorf("%s opens as %q, %v", item.Key, plain, err)
				}
			}
		}
		items, err := v.Sealed("", 1)
		items[0].Value = append(items[0].Value[:5:5], "damaged"...)
		if _, err := v.Open(items[0]); err == nil {
			t.Error("a damaged item opens")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, rival := range []bool{false, true} {
		runs := 0
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			runs++
			v, items, err := tx.Sealed("people/a", 1)
			if err != nil || list(items) != "people/b" {
				t.Errorf("%s, %v", list(items), err)
			}
			if rival && runs == 1 {
				put(t, store.New(db, newAEAD(t)), "b")
			}
			plain, err := v.Open(items[0])
			if err == nil {
				tx.Reseal(items[0], plain)
			}
			return err
		})
		if want := map[bool]int{false: 1, true: 2}[rival]; err != nil || runs != want {
			t.Errorf("beside a rival %v: %v after %d runs", rival, err, runs)
		}
	}
	for _, key := range []string{"people/a", "people/b", "people/c"} {
		if item := readItem(t, db, key); (string(item.Value) == before[key]) != (key != "people/b") {
			t.Errorf("%s was sealed again, or not: %v", key, string(item.Value) != before[key])
		}
		err := s.View(t.Context(), func(v *store.View) error {
			if _, ok := name(t, v, strings.TrimPrefix(key, "people/")); !ok {
				t.Errorf("%s is gone", key)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// A store of one process needs no feed: everything is told, fresh and covered.
func TestStoreOfOneProcess(t *testing.T) {
	s, _ := newStore(t)
	put(t, s, "a")
	if s.Told() != s.Revision() || s.Told() == 0 || s.AwaitTold(t.Context(), 1<<40) != nil || time.Since(s.FreshAsOf()).Abs() > time.Minute {
		t.Errorf("told %d of %d, fresh as of %v", s.Told(), s.Revision(), s.FreshAsOf())
	}
	var r *store.Reads
	if r.Note(7); !r.IsOf(0) {
		t.Error("no reads are newer than something")
	}
	r = &store.Reads{}
	r.Note(7)
	r.Note(5)
	for told, want := range map[int64]bool{6: false, 7: true, 8: true} {
		if r.IsOf(told) != want {
			t.Errorf("revision 7 is told at %d: %v", told, !want)
		}
	}
	if r.Written() != 7 || r.HasGaps() {
		t.Errorf("written at %d, with gaps %v", r.Written(), r.HasGaps())
	}
	err := s.View(t.Context(), func(v *store.View) error {
		v.Record(r)
		_, _, err := people().Get(v, "absent")
		return err
	})
	if err != nil || r.HasGaps() {
		t.Errorf("a store of one process notes gaps: %v", err)
	}
}

// Room is there for paths without a quota, and is not used up by the question.
func TestRoom(t *testing.T) {
	s := newLimitedStore(t, memory.New(), 2)
	other := store.Table[person]{Prefix: "other", Codec: store.JSON[person]()}
	if err := s.Update(t.Context(), putAll("a/1")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := people().Room(t.Context(), s, "a/x"); err != nil {
			t.Error(err)
		}
	}
	if err := s.Update(t.Context(), putAll("a/2")); err != nil {
		t.Fatal(err)
	}
	for path, full := range map[string]bool{"a/3": true, "a/1": true, "b/1": false, "shallow": false} {
		if err := people().Room(t.Context(), s, path); isFull(err) != full || err != nil && !full {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := other.Room(t.Context(), s, "a/3"); err != nil {
		t.Errorf("another table: %v", err)
	}
	if err := people().Room(t.Context(), s, ""); err == nil {
		t.Error("room for a record without a path")
	}
	if err := s.Update(t.Context(), putAll("shallow")); err != nil {
		t.Errorf("a path without the depth of the quota: %v", err)
	}
}

// A transaction fails if it cannot find out whether a record of a quota exists.
func TestQuotaNeedsToKnowWhatExists(t *testing.T) {
	b := &failing{Backend: memory.New()}
	s := newLimitedStore(t, b, 2)
	b.fails = b.reads + 1
	if err := s.Update(t.Context(), putAll("a/1")); err == nil {
		t.Error("a record was written without a look")
	}
	b.fails = 0
	if err := s.Update(t.Context(), putAll("a/1", "a/2")); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
