package material

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/crypt"
)

func opens() (k crypt.Key, of string, err error) {
	k, err = crypt.NewSymmetricKey(make([]byte, 32))
	return k, "key of " + of, err
}

func opensNot(t *testing.T) func() (crypt.Key, string, error) {
	return func() (crypt.Key, string, error) { t.Error("it was at hand"); return opens() }
}

// works reports whether a key is the key of opens, and was not destroyed.
func works(k crypt.Key) error {
	m, err := crypt.ParseMessage(openedBlob, nil)
	if err == nil {
		_, err = m.Decrypt(k.(*crypt.SymmetricKey))
	}
	return err
}

// openedBlob is a ciphertext under the key of opens.
var openedBlob = func() []byte {
	k, _, err := opens()
	if err != nil {
		panic(err)
	}
	m, err := crypt.NewMessage(crypt.BlobHeader{Account: fmt.Sprintf("%012d", 0), KeyID: fmt.Sprintf("%036d", 0), MaterialID: fmt.Sprintf("%064d", 0)}, nil)
	if err != nil {
		panic(err)
	}
	blob, err := m.Encrypt(k.(*crypt.SymmetricKey), nil)
	if err != nil {
		panic(err)
	}
	return blob
}()

func TestCacheIsDestroyedWhenDropped(t *testing.T) {
	o := newCache()
	for _, open := range []func() (crypt.Key, string, error){opens, opensNot(t)} {
		if err := o.with("a", open, works); err != nil {
			t.Fatal(err)
		}
	}
	var kept crypt.Key
	keep := func(k crypt.Key) error { kept = k; return nil }
	o.with("a", opensNot(t), keep)
	o.drop("a", "b")
	if works(kept) == nil {
		t.Error("it works after it was dropped")
	}
	gone := errors.New("gone")
	if err := o.with("a", func() (crypt.Key, string, error) { return nil, "", gone }, works); !errors.Is(err, gone) {
		t.Errorf("opened again: %v", err)
	}
	if len(o.materials) != 0 {
		t.Errorf("%d materials are kept", len(o.materials))
	}
	mine := errors.New("mine")
	if err := o.with("a", opens, func(crypt.Key) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("%v", err)
	}
	o.with("a", opensNot(t), keep)
	if o.close(); works(kept) == nil {
		t.Error("close leaves material behind")
	}
}

func TestCacheIsBounded(t *testing.T) {
	o := newCache()
	var first crypt.Key
	for i := range maxOpened + 100 {
		o.with(fmt.Sprint(i), opens, func(k crypt.Key) error {
			if i == 0 {
				first = k
			}
			return nil
		})
	}
	if len(o.materials) > maxOpened {
		t.Errorf("%d are kept", len(o.materials))
	}
	if o.drop("0"); works(first) == nil {
		t.Error("the first still works")
	}
}

// A heavy key takes a lot of memory.
type heavy struct{ gone bool }

func (h *heavy) Destroy()       { h.gone = true }
func (h *heavy) Footprint() int { return maxOpenedBytes / 10 }

// The cache keeps few keys that take a lot of memory. A key in use stays.
func TestCacheIsBoundedInMemory(t *testing.T) {
	o := newCache()
	var all []*heavy
	for i := range 50 {
		h := &heavy{}
		all = append(all, h)
		o.with(fmt.Sprint(i), func() (crypt.Key, string, error) { return h, "", nil }, func(crypt.Key) error {
			if h.gone {
				t.Errorf("%d is gone while it is used", i)
			}
			return nil
		})
	}
	kept := 0
	for _, h := range all {
		if !h.gone {
			kept++
		}
	}
	if kept != 10 || len(o.materials) != 10 || o.bytes != 10*all[0].Footprint() {
		t.Errorf("%d are kept, %d in the map, of %d bytes", kept, len(o.materials), o.bytes)
	}
	if o.close(); o.bytes != 0 || !all[49].gone {
		t.Errorf("%d bytes after the end", o.bytes)
	}
}

// Material is never destroyed while it is in use, and never used after it was destroyed.
func TestCacheUnderLoad(t *testing.T) {
	o := newCache()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 5000 {
				if err := o.with(fmt.Sprint(i%3), opens, works); err != nil {
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

// A change of a key drops the material that was opened for it, and no other. It waits for nobody.
func TestCacheLeavesTheMaterialOfAKey(t *testing.T) {
	o := newCache()
	of := func(path string) func() (crypt.Key, string, error) {
		return func() (crypt.Key, string, error) { k, _, err := opens(); return k, path, err }
	}
	for slot, path := range map[string]string{"a": "1", "b": "1", "c": "2"} {
		if err := o.with(slot, of(path), works); err != nil {
			t.Fatal(err)
		}
	}
	var kept crypt.Key
	err := o.with("a", opensNot(t), func(k crypt.Key) error {
		o.leave("1") // although its material is in use
		kept = k
		return works(k)
	})
	if err != nil {
		t.Error(err)
	}
	if err := o.with("c", opensNot(t), works); err != nil {
		t.Error(err)
	}
	reopened := 0
	for _, slot := range []string{"a", "b"} {
		err := o.with(slot, func() (crypt.Key, string, error) { reopened++; return opens() }, works)
		if err != nil {
			t.Error(err)
		}
	}
	for works(kept) == nil { // until it is cleared in the background
		time.Sleep(time.Millisecond)
	}
	if o.drop("c"); len(o.ofKey) != 1 {
		t.Errorf("a key without opened material is remembered: %d keys", len(o.ofKey))
	}
	o.leave("1") // of which nothing is left
	o.leaveAll()
	if reopened != 2 || len(o.materials) != 0 || len(o.ofKey) != 0 || o.bytes != 0 {
		t.Errorf("opened again %d times; left %d materials of %d keys, %d bytes", reopened, len(o.materials), len(o.ofKey), o.bytes)
	}
}

// A change of the record of a key drops the opened material of this key, and an unknown change drops all.
func TestVaultForgetsWhatChanged(t *testing.T) {
	v := newVaultTest(t)
	fill := func() {
		for _, of := range []string{"a/r/one", "a/r/two"} {
			open := func() (crypt.Key, string, error) { k, _, err := opens(); return k, of, err }
			if err := v.opened.with("slot of "+of, open, works); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		paths []string
		left  []string
	}{
		{[]string{}, []string{"a/r/one", "a/r/two"}},
		{[]string{"alias/a/r/one", "key-text/a/r/one", "a/r/one"}, []string{"a/r/one", "a/r/two"}},
		{[]string{"alias/x", "key/a/r/one"}, []string{"a/r/two"}},
		{nil, nil},
	} {
		fill()
		v.Changed(7, test.paths)
		for _, of := range []string{"a/r/one", "a/r/two"} {
			opened := false
			open := func() (crypt.Key, string, error) { opened = true; k, _, err := opens(); return k, of, err }
			if err := v.opened.with("slot of "+of, open, works); err != nil || opened == slices.Contains(test.left, of) {
				t.Errorf("%q: the material of %s was opened again: %v, %v", test.paths, of, opened, err)
			}
		}
	}
}
