package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// TestSlots runs the conformance suite of Slots. open returns empty Slots.
func TestSlots(t *testing.T, open func(t *testing.T) store.Slots) {
	secret := func(b byte) []byte { return bytes.Repeat([]byte{b}, store.SlotSize) }
	put := func(t *testing.T, s store.Slots, secret []byte) string {
		t.Helper()
		slot, err := s.Put(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		return slot
	}
	want := func(t *testing.T, s store.Slots, slot string, want []byte) {
		t.Helper()
		got, err := s.Get(t.Context(), slot)
		if want == nil && !errors.Is(err, store.ErrNoSlot) {
			t.Errorf("slot %q: %v, want ErrNoSlot", slot, err)
		}
		if want != nil && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("slot %q: %x, %v", slot, got, err)
		}
	}
	t.Run("each has its secret", func(t *testing.T) {
		s := open(t)
		a, b, again := put(t, s, secret(1)), put(t, s, secret(2)), put(t, s, secret(1))
		if a == b || a == again || a == "" {
			t.Errorf("slots %q, %q, %q", a, b, again)
		}
		want(t, s, a, secret(1))
		want(t, s, b, secret(2))
		want(t, s, again, secret(1))
	})
	t.Run("erased ones are gone and the others stay", func(t *testing.T) {
		s := open(t)
		a, b, c := put(t, s, secret(1)), put(t, s, secret(2)), put(t, s, secret(3))
		for range 2 { // the second time there is nothing to erase
			if err := s.Erase(t.Context(), a, c); err != nil {
				t.Fatal(err)
			}
			want(t, s, a, nil)
			want(t, s, b, secret(2))
			want(t, s, c, nil)
		}
		if err := s.Erase(t.Context()); err != nil {
			t.Errorf("erase nothing: %v", err)
		}
	})
	t.Run("a name is never used again", func(t *testing.T) {
		s := open(t)
		seen := map[string]bool{}
		var last string
		for range 50 {
			slot := put(t, s, secret(1))
			if seen[slot] {
				t.Fatalf("slot %q twice", slot)
			}
			seen[slot] = true
			if last != "" {
				// Erasing a slot that is long gone must not erase its successor.
				if err := s.Erase(t.Context(), last); err != nil {
					t.Fatal(err)
				}
			}
			want(t, s, slot, secret(1))
			if err := s.Erase(t.Context(), slot); err != nil {
				t.Fatal(err)
			}
			last = slot
		}
	})
	t.Run("names of no slot", func(t *testing.T) {
		s := open(t)
		put(t, s, secret(1))
		for _, name := range []string{"", "x", "0-0000000000000000", "1-", "1-0000000000000000",
			"99999999999-0000000000000000", strings.Repeat("1", 100)} {
			want(t, s, name, nil)
			if err := s.Erase(t.Context(), name); err != nil {
				t.Errorf("erase %q: %v", name, err)
			}
		}
	})
	t.Run("what is refused", func(t *testing.T) {
		s := open(t)
		for _, n := range []int{0, store.SlotSize - 1, store.SlotSize + 1} {
			if _, err := s.Put(t.Context(), make([]byte, n)); !errors.Is(err, store.ErrInvalid) {
				t.Errorf("a secret of %d bytes: %v", n, err)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Put(ended, secret(1)); !errors.Is(err, context.Canceled) {
			t.Errorf("after its context ended: %v", err)
		}
	})
	t.Run("bytes are not shared", func(t *testing.T) {
		s := open(t)
		given := secret(1)
		slot := put(t, s, given)
		copy(given, secret(0))
		got, err := s.Get(t.Context(), slot)
		if err != nil {
			t.Fatal(err)
		}
		copy(got, secret(0))
		want(t, s, slot, secret(1))
	})
	t.Run("many at once", func(t *testing.T) {
		s := open(t)
		var wg sync.WaitGroup
		for i := range 32 {
			wg.Go(func() {
				for range 10 {
					slot, err := s.Put(t.Context(), secret(byte(i)))
					if err != nil {
						t.Error(err)
						return
					}
					got, err := s.Get(t.Context(), slot)
					if err != nil || !bytes.Equal(got, secret(byte(i))) {
						t.Errorf("slot %q: %x, %v", slot, got, err)
					}
					if err := s.Erase(t.Context(), slot); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	})
	t.Run("one slot erased by several at once", func(t *testing.T) {
		s := open(t)
		kept := map[string][]byte{}
		for i := range 100 {
			slot := put(t, s, secret(255))
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if err := s.Erase(t.Context(), slot); err != nil {
						t.Error(err)
					}
					if _, err := s.Get(t.Context(), slot); !errors.Is(err, store.ErrNoSlot) {
						t.Errorf("after the erasure: %v", err)
					}
				})
			}
			wg.Go(func() {
				for range 2 {
					kept[put(t, s, secret(byte(i)))] = secret(byte(i))
				}
			})
			wg.Wait()
		}
		for slot, secret := range kept {
			want(t, s, slot, secret)
		}
		if len(kept) != 200 {
			t.Errorf("%d slots have different names", len(kept))
		}
	})
	t.Run("listed", func(t *testing.T) {
		s := open(t)
		var slots []string
		for range 20 {
			slots = append(slots, put(t, s, secret(1)))
		}
		each := func(after string, limit int) (listed []string) {
			err := s.Each(t.Context(), after, func(slot string, damage error) bool {
				if listed = append(listed, slot); damage != nil {
					t.Error(damage)
				}
				want(t, s, slot, secret(1)) // fn may call the Slots
				return len(listed) < limit
			})
			if err != nil {
				t.Fatal(err)
			}
			return listed
		}
		order := each("", 100)
		if a, b := slices.Sorted(slices.Values(order)), slices.Sorted(slices.Values(slots)); !slices.Equal(a, b) {
			t.Fatalf("listed are %v, in use %v", a, b)
		}
		if got := each(order[6], 5); !slices.Equal(got, order[7:12]) {
			t.Errorf("five behind the seventh: %v, want %v", got, order[7:12])
		}
		if err := s.Erase(t.Context(), order[6], order[8], order[19]); err != nil {
			t.Fatal(err)
		}
		for after, want := range map[string][]string{order[6]: {order[7], order[9]}, order[18]: nil, order[19]: nil} {
			if got := each(after, 2); !slices.Equal(got, want) {
				t.Errorf("behind %s: %v, want %v", after, got, want)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Each(ended, "", func(string, error) bool { return true }); !errors.Is(err, context.Canceled) {
			t.Errorf("after its context ended: %v", err)
		}
		if err := s.Each(t.Context(), "no slot", func(string, error) bool { return true }); !errors.Is(err, store.ErrNoSlot) {
			t.Errorf("behind a name of no slot: %v", err)
		}
	})
	t.Run("after Close", func(t *testing.T) {
		s := open(t)
		slot := put(t, s, secret(1))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		_, putErr := s.Put(t.Context(), secret(1))
		_, getErr := s.Get(t.Context(), slot)
		eachErr := s.Each(t.Context(), "", func(string, error) bool { return true })
		for _, err := range []error{putErr, getErr, eachErr, s.Erase(t.Context(), slot), s.Close()} {
			if !errors.Is(err, store.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		}
	})
}
