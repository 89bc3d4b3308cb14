package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// row returns a row of the table of changes.
func row(rev, mark int64) change {
	return change{rev, mark, encodeKeys([]store.Write{{Key: fmt.Append(nil, rev)}})}
}

// watched returns what a watcher of a feed is told after a revision, and the error that ends its watch.
func watched(b *Backend, after int64) (got string, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	last := b.last.rev
	if after == last {
		cancel()
	}
	err = b.currentFeed().Watch(ctx, after, func(c store.Change) error {
		got += fmt.Sprintf("%d%s ", c.Rev, c.Keys)
		if c.Rev == last {
			cancel()
		}
		return nil
	})
	cancel()
	return got, err
}

// The feed tells the changes that a transaction has read, once each. It begins anew when changes are missing, and a
// server that has lost a change is never trusted again.
func TestTell(t *testing.T) {
	at := func(rev int64) *Backend {
		return &Backend{feed: store.NewFeed(rev, 100), last: row(rev, rev)}
	}
	for _, test := range []struct {
		name       string
		told, head int64
		seen       []change
		want       string
		err        error
		known      int64 // of which the server knows 5
	}{
		{"all that the node has seen", 5, 6, []change{row(5, 5), row(6, 6)}, "6[6] ", nil, 5},
		{"less than the node has seen", 5, 7, []change{row(5, 5), row(6, 6), row(7, 7)}, "", store.ErrRewound, 6},
		{"nothing new", 5, 5, []change{row(5, 5)}, "", nil, 0},
		{"two more", 5, 7, []change{row(5, 5), row(6, 6), row(7, 7)}, "6[6] 7[7] ", nil, 0},
		{"known already", 4, 5, []change{row(4, 4), row(5, 5)}, "", nil, 0},
		{"one known already", 4, 6, []change{row(4, 4), row(5, 5), row(6, 6)}, "6[6] ", nil, 0},
		{"the first ones", 0, 2, []change{row(1, 1), row(2, 2)}, "1[1] 2[2] ", nil, 0},
		{"compacted", 5, 9, []change{row(8, 8), row(9, 9)}, "", store.ErrCompacted, 0},
		{"too many", 5, 9, []change{row(5, 5), row(6, 6)}, "", store.ErrCompacted, 0},
		{"lower", 5, 4, []change{}, "", store.ErrRewound, 0},
		{"another history", 5, 5, []change{row(5, 55)}, "", store.ErrRewound, 0},
		{"another history, longer", 5, 7, []change{row(5, 55), row(6, 6), row(7, 7)}, "", store.ErrRewound, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := at(max(test.told, 5))
			if test.told == 0 {
				b = at(0)
			}
			start := b.last.rev
			told, head := row(test.told, test.told), row(test.head, test.head)
			err := b.tell(history{told: told, head: head, seen: test.seen, known: test.known, witness: 5})
			if test.err == store.ErrRewound {
				if !errors.Is(err, store.ErrRewound) || !errors.Is(b.tell(history{told: told, head: row(99, 99)}), store.ErrRewound) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, ended := watched(b, start)
			if got != test.want || test.err != nil && !errors.Is(ended, test.err) {
				t.Errorf("got %q, %v", got, ended)
			}
		})
	}
}

func TestKeysOfChanges(t *testing.T) {
	for _, keys := range [][]string{nil, {"a"}, {"a", "", "bc"}} {
		var writes []store.Write
		for _, key := range keys {
			writes = append(writes, store.Write{Key: []byte(key)})
		}
		encoded := encodeKeys(writes)
		got, err := decodeKeys(encoded)
		if err != nil || fmt.Sprintf("%s", got) != fmt.Sprint(keys) {
			t.Errorf("%q became %q, %v", keys, got, err)
		}
		if len(encoded) > 0 {
			if _, err := decodeKeys(encoded[:len(encoded)-1]); err == nil && len(keys) == 1 {
				t.Errorf("%q: a part is accepted", keys)
			}
		}
	}
}
