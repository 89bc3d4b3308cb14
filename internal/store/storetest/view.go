package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

func testScan(t *testing.T, b store.Backend) {
	commit(t, b, writes(kv("b", ""), kv("a/2", ""), kv("a", ""), kv("a/10", ""), kv("a\xff", ""), kv("a\x00", ""),
		kv("c", "")))
	for _, test := range []struct {
		from, to string
		limit    int
		want     string
	}{
		{"", "", 100, `a a\x00 a/10 a/2 a\xff b c`},
		{"", "", 7, `a a\x00 a/10 a/2 a\xff b c`},
		{"", "", 2, `a a\x00`},
		{"", "", 0, ``},
		{"", "", -1, ``},
		{"a", "b", 100, `a a\x00 a/10 a/2 a\xff`},
		{"a", "a\x00", 100, `a`},
		{"a\x00", "a/2", 100, `a\x00 a/10`},
		{"a/", "a0", 100, `a/10 a/2`},
		{"a/", "a0", 1, `a/10`},
		{"a/11", "", 2, `a/2 a\xff`},
		{"b", "b", 100, ``},
		{"c", "a", 100, ``},
		{"", "a", 100, ``},
		{"d", "", 100, ``},
	} {
		view(t, b, func(r store.Reader) {
			var keys []string
			for _, item := range scan(t, r, test.from, test.to, test.limit) {
				keys = append(keys, strings.Trim(fmt.Sprintf("%q", item.Key), `"`))
			}
			if got := strings.Join(keys, " "); got != test.want {
				t.Errorf("Scan(%q, %q, %d) = %s, want %s", test.from, test.to, test.limit, got, test.want)
			}
		})
	}
	view(t, b, func(r store.Reader) { // an empty bound differs from a nil bound
		if items, err := r.Scan([]byte{}, []byte{}, 100); err != nil || len(items) != 0 {
			t.Errorf("Scan to the empty key = %v, %v", items, err)
		}
	})
}

// The test writes little, so that no Backend has to wait for the View to end.
func testViewIsOneRevision(t *testing.T, b store.Backend) {
	for i := range 30 {
		commit(t, b, writes(kv(fmt.Sprintf("%02d", i), "old")))
	}
	view(t, b, func(r store.Reader) {
		before, rev := dump(t, r), r.Rev()
		for i := range 60 {
			commit(t, b, writes(kv(fmt.Sprintf("%02d", i), "new"), del(fmt.Sprintf("%02d", (i+7)%30))))
		}
		if after := dump(t, r); after != before || r.Rev() != rev {
			t.Errorf("a View at %d saw\n%s\nand then at %d\n%s", rev, before, r.Rev(), after)
		}
		if item := get(t, r, "45"); item.Rev != 0 {
			t.Errorf("a View saw a record that was written after it began: %+v", item)
		}
		if item := get(t, r, "03"); string(item.Value) != "old" {
			t.Errorf("a View saw a change that was made after it began: %+v", item)
		}
		view(t, b, func(now store.Reader) {
			if item := get(t, now, "45"); item.Rev <= rev || now.Rev() < rev+60 {
				t.Errorf("a new View is at %d with %+v", now.Rev(), item)
			}
		})
	})
}

// Each commit writes the same value to two keys, and no View may see only one of the writes. Watching from the
// revision of a View must be possible.
func testViewsUnderLoad(t *testing.T, b store.Backend) {
	commit(t, b, writes(kv("a", ""), kv("b", "")))
	var readers, writers sync.WaitGroup
	done, ctx := make(chan struct{}), endedContext(t)
	for range 2 {
		readers.Go(func() {
			for isOpen(done) {
				err := b.View(t.Context(), func(r store.Reader) error {
					items, err := r.Scan(nil, nil, 2)
					if len(items) == 2 && (items[0].Rev != items[1].Rev || !bytes.Equal(items[0].Value, items[1].Value)) {
						t.Errorf("half a commit: %+v", items)
					}
					wantErr(t, b.Watch(ctx, r.Rev(), nil), context.Canceled)
					return err
				})
				if err != nil {
					t.Errorf("View: %v", err)
				}
			}
		})
	}
	for w := range 3 {
		writers.Go(func() {
			for i := range 100 {
				value := fmt.Sprint(w, i)
				if _, err := b.Commit(t.Context(), writes(kv("a", value), kv("b", value))); err != nil {
					t.Errorf("Commit: %v", err)
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}

func isOpen(done chan struct{}) bool {
	select {
	case <-done:
		return false
	default:
		return true
	}
}

func testViewError(t *testing.T, b store.Backend) {
	mine := errors.New("mine")
	if err := b.View(t.Context(), func(store.Reader) error { return mine }); err != mine {
		t.Errorf("got %v, want the error of fn itself", err)
	}
}

// GetNewest sees every commit that has returned, and one revision of all keys.
func testNewestItems(t *testing.T, b store.Backend) {
	newest, ok := b.(store.NewestGetter)
	if !ok {
		t.Skip("the Backend has no GetNewest")
	}
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range 100 {
			if _, err := b.Commit(t.Context(), writes(kv("a", fmt.Sprint(i)), kv("b", fmt.Sprint(i)))); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 100 {
		rev := commit(t, b, writes(kv("c", fmt.Sprint(i))))
		items, at, err := newest.GetNewest(t.Context(), []byte("a"), []byte("b"), []byte("c"), []byte("never"))
		if err != nil || len(items) != 4 {
			t.Fatal(len(items), err)
		}
		if string(items[2].Value) != fmt.Sprint(i) || items[2].Rev != rev || at < rev || items[3].Rev != 0 {
			t.Errorf("%d: %v at %d", i, items, at)
		}
		if !bytes.Equal(items[0].Value, items[1].Value) || items[0].Rev != items[1].Rev || items[0].Rev > at {
			t.Errorf("%d: two revisions: %v at %d", i, items, at)
		}
	}
	writing.Wait()
	if items, at, err := newest.GetNewest(t.Context()); len(items) != 0 || at == 0 || err != nil {
		t.Errorf("without keys: %v at %d, %v", items, at, err)
	}
	if _, _, err := newest.GetNewest(t.Context(), make([][]byte, store.MaxBatch+1)...); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("too many keys: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := newest.GetNewest(ctx, []byte("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}
