package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A quick Backend reads the newest items in one round trip.
type quick struct {
	*memory.DB
	gets int
	rev  int64 // if not 0, the revision that a Get claims
	err  error
}

func (b *quick) GetNewest(ctx context.Context, keys ...[]byte) (items []store.Item, rev int64, err error) {
	if b.gets++; b.err != nil {
		return nil, 0, b.err
	}
	err = b.View(ctx, func(r store.Reader) error {
		rev = r.Rev()
		items, err = r.Get(keys...)
		return err
	})
	if b.rev != 0 {
		rev = b.rev
	}
	return items, rev, err
}

// Single reads from the Backend are one round trip. They return errors, and are not older than what the Store has seen.
func TestNewestInOneRoundTrip(t *testing.T) {
	b := &quick{DB: memory.New()}
	s := store.NewShared(b, newAEAD(t))
	put(t, s, "a/1")
	b.gets = 0
	read := func() (person, bool, error) { return people().Newest(t.Context(), s, "a/1", nil) }
	if p, ok, err := read(); !ok || err != nil || b.gets != 1 {
		t.Errorf("%+v, %v, %v after %d round trips", p, ok, err, b.gets)
	}
	b.err = errors.New("the network is broken")
	if p, ok, err := read(); ok || !errors.Is(err, b.err) {
		t.Errorf("%+v, %v, %v", p, ok, err)
	}
	b.err, b.rev = nil, 1000
	if _, _, err := read(); err != nil || s.Revision() != 1000 {
		t.Errorf("%v, and the newest revision is %d", err, s.Revision())
	}
	b.rev = 0
	if p, ok, err := read(); ok || !errors.Is(err, store.ErrRewound) {
		t.Errorf("from an older copy of the data: %+v, %v, %v", p, ok, err)
	}
}

// A damaged item in the memory of a shared Store is an error of the next reader too.
func TestDamagedItemsInMemory(t *testing.T) {
	inPair(t, func(p *pair) {
		plant(t, p.db, "people/a/1", []byte("damaged"))
		p.wait(0)
		for range 3 {
			_, _, err := p.b.UpdateAt(t.Context(), func(tx *store.Tx) error {
				_, _, err := people().Get(tx, "a/1")
				return err
			})
			if !corrupt(err, "people/a/1") {
				t.Errorf("a transaction: %v", err)
			}
			if got, ok, err := people().Latest(t.Context(), p.b, "a/1", nil); ok || !corrupt(err, "people/a/1") {
				t.Errorf("a read: %+v, %v, %v", got, ok, err)
			}
		}
	})
}
