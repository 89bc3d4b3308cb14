package service

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
)

func opens(b ...byte) func() ([]byte, error) {
	return func() ([]byte, error) { return bytes.Clone(b), nil }
}

func opensNot(t *testing.T) func() ([]byte, error) {
	return func() ([]byte, error) { t.Error("it was at hand"); return nil, nil }
}

func TestOpenedIsClearedWhenDropped(t *testing.T) {
	o := newOpened()
	material := []byte{1, 2, 3}
	is := func(want ...byte) func([]byte) error {
		return func(got []byte) error {
			if !bytes.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			return nil
		}
	}
	for _, open := range []func() ([]byte, error){opens(material...), opensNot(t)} {
		if err := o.with("a", open, is(1, 2, 3)); err != nil {
			t.Fatal(err)
		}
	}
	var kept []byte
	o.with("a", opensNot(t), func(b []byte) error { kept = b; return nil })
	o.drop("a", "b")
	if !bytes.Equal(kept, make([]byte, 3)) {
		t.Errorf("after it was dropped: %v", kept)
	}
	gone := errors.New("gone")
	if err := o.with("a", func() ([]byte, error) { return nil, gone }, is()); !errors.Is(err, gone) {
		t.Errorf("opened again: %v", err)
	}
	if len(o.materials) != 0 {
		t.Errorf("%d materials are kept", len(o.materials))
	}
	mine := errors.New("mine")
	if err := o.with("a", opens(4), func([]byte) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("%v", err)
	}
	o.with("a", opensNot(t), func(b []byte) error { kept = b; return nil })
	if o.close(); kept[0] != 0 {
		t.Error("close leaves material behind")
	}
}

func TestOpenedIsBounded(t *testing.T) {
	o := newOpened()
	var first []byte
	for i := range maxOpened + 100 {
		o.with(fmt.Sprint(i), opens(1), func(b []byte) error {
			if i == 0 {
				first = b
			}
			return nil
		})
	}
	if len(o.materials) > maxOpened {
		t.Errorf("%d are kept", len(o.materials))
	}
	o.drop("0")
	if first[0] != 0 {
		t.Error("the first is not cleared")
	}
}

// Material is never cleared under whoever uses it, and never used after that.
func TestOpenedUnderLoad(t *testing.T) {
	o := newOpened()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 5000 {
				slot := fmt.Sprint(i % 3)
				err := o.with(slot, opens(7, 7, 7, 7), func(b []byte) error {
					for _, v := range b {
						if v != 7 {
							return errors.New("cleared")
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for i := range 2000 {
				o.drop(fmt.Sprint(i % 3))
			}
		})
	}
	all.Wait()
}
