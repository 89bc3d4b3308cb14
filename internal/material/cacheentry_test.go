package material

import (
	"errors"
	"fmt"
	"testing"

	"github.com/keyhold/keyhold/internal/crypt"
)

// An entry that was dropped stays empty and takes no memory, also if a caller still has it.
func TestDroppedEntriesStayEmpty(t *testing.T) {
	c := newCache()
	m, over := c.add("a")
	if again, also := c.add("a"); again != m || over != "" || also != "" || c.get("a") != m {
		t.Error("a slot has two entries")
	}
	size, of, err := m.fill(opens)
	if err != nil || size == 0 || of == "" {
		t.Fatal(size, err)
	}
	if again, of, err := m.fill(opensNot(t)); err != nil || again != size || of != "" {
		t.Errorf("filled again: %d bytes, not %d, %v", again, size, err)
	}
	for range 2 { // two callers have filled it at once
		if c.account("a", "key", m, size); c.bytes != size || m.bytes != size {
			t.Errorf("%d bytes in the cache, %d in the entry, not %d", c.bytes, m.bytes, size)
		}
	}
	c.drop("a")
	if c.bytes != 0 || m.key != nil || !m.dropped {
		t.Errorf("%d bytes after the entry was dropped: %+v", c.bytes, m.key)
	}
	if n, _, err := m.fill(opensNot(t)); n != 0 || err != nil || m.key != nil {
		t.Errorf("filled after it was dropped: %d bytes, %v", n, err)
	}
	if over := c.account("a", "key", m, size); over != nil || c.bytes != 0 {
		t.Errorf("accounted after it was dropped: %d bytes, over %v", c.bytes, over)
	}
	if other := c.get("a"); other == m {
		t.Error("the cache has an entry that was dropped")
	}
}

// An entry whose material does not open has no key, also if open returns a nil pointer.
func TestEntriesThatDoNotOpen(t *testing.T) {
	m := &entry{}
	gone := errors.New("gone")
	if _, _, err := m.fill(func() (crypt.Key, string, error) { return (*crypt.SymmetricKey)(nil), "", gone }); !errors.Is(err, gone) || m.key != nil {
		t.Errorf("%v, %v", m.key, err)
	}
	if size, _, err := m.fill(opens); err != nil || size == 0 || works(m.key) != nil {
		t.Errorf("again: %d bytes, %v", size, err)
	}
	if m.drop(); m.key != nil {
		t.Error("a dropped entry has a key")
	}
}

// Another key that comes when 10,000 keys are in the cache displaces one of them.
func TestLimitsOfTheCache(t *testing.T) {
	if maxOpened != 10_000 || maxOpenedBytes != 128*1024*1024 {
		t.Errorf("the limits are %d keys and %d bytes", maxOpened, maxOpenedBytes)
	}
	c := newCache()
	for i := range 10_000 {
		if _, over := c.add(fmt.Sprint(i)); over != "" {
			t.Fatalf("key %d displaces %s", i+1, over)
		}
	}
	if _, over := c.add("another"); over == "" || over == "another" {
		t.Errorf("the 10,001st key displaces %q", over)
	}

	// Keys whose memory is exactly the limit all stay.
	c = newCache()
	for i := range 4 {
		c.with(fmt.Sprint(i), func() (crypt.Key, string, error) { return quarter{}, "key", nil }, func(crypt.Key) error { return nil })
	}
	if len(c.materials) != 4 || c.bytes != maxOpenedBytes {
		t.Errorf("%d keys of %d bytes", len(c.materials), c.bytes)
	}
	c.with("another", opens, works)
	if len(c.materials) != 4 || c.materials["another"] == nil || c.bytes > maxOpenedBytes {
		t.Errorf("%d keys of %d bytes", len(c.materials), c.bytes)
	}
}

// A quarter is a key that takes a quarter of the memory of the cache.
type quarter struct{}

func (quarter) Destroy()       {}
func (quarter) Footprint() int { return maxOpenedBytes / 4 }
