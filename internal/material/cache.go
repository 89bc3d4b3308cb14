package material

import (
	"sync"

	"github.com/keyhold/keyhold/internal/crypt"
)

// maxOpened is the maximum number of opened materials in the cache. maxOpenedBytes limits their
// estimated memory, because ML-DSA keys are two hundred times as large as other keys.
const (
	maxOpened      = 10_000
	maxOpenedBytes = 128 << 20
)

// A cache keeps the opened keys of material, by the slot of the material, until the slot is
// erased. A slot is never used for other material.
type cache struct {
	mu        sync.RWMutex
	materials map[string]*entry
	bytes     int // memory of all entries
}

// An entry is in use while a caller holds mu.
type entry struct {
	mu      sync.RWMutex
	key     crypt.Key // nil before it is opened, and after it was dropped
	dropped bool
	bytes   int // protected by the lock of the cache
}

func newCache() *cache { return &cache{materials: map[string]*entry{}} }

// with calls use with the key of a slot's material. If the key is not in the cache, open opens
// the material. use must not keep the key.
func (c *cache) with(slot string, open func() (crypt.Key, error), use func(crypt.Key) error) error {
	for {
		m := c.get(slot)
		m.mu.RLock()
		if m.key != nil {
			defer m.mu.RUnlock()
			return use(m.key)
		}
		m.mu.RUnlock()
		bytes, err := m.fill(open)
		if err != nil {
			c.drop(slot)
			return err
		}
		c.drop(c.account(slot, m, bytes)...)
	}
}

// fill opens the material, unless another caller has opened it, and returns the memory of the key
// in bytes. An entry that was dropped stays empty, because another entry has replaced it.
func (m *entry) fill(open func() (crypt.Key, error)) (bytes int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dropped {
		return 0, nil
	}
	if m.key == nil {
		if m.key, err = open(); err != nil {
			m.key = nil // a nil pointer in an interface is not nil
			return 0, err
		}
	}
	return m.key.Footprint(), nil
}

// account records the memory of a slot's material, and returns the slots of other material that
// is dropped to make room.
func (c *cache) account(slot string, m *entry, bytes int) (over []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.materials[slot] != m {
		return nil // the entry was dropped meanwhile
	}
	c.bytes += bytes - m.bytes
	m.bytes = bytes
	left := c.bytes
	for other, kept := range c.materials { // in no order
		if left <= maxOpenedBytes {
			break
		}
		if other != slot {
			over = append(over, other)
			left -= kept.bytes
		}
	}
	return over
}

func (c *cache) get(slot string) *entry {
	c.mu.RLock()
	m := c.materials[slot]
	c.mu.RUnlock()
	if m != nil {
		return m
	}
	m, over := c.add(slot)
	if over != "" {
		c.drop(over)
	}
	return m
}

// add returns the entry of a slot, and the slot of an entry that is dropped to make room.
func (c *cache) add(slot string) (m *entry, over string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m = c.materials[slot]; m != nil {
		return m, ""
	}
	if len(c.materials) >= maxOpened {
		for over = range c.materials { // in no order
			break
		}
	}
	m = &entry{}
	c.materials[slot] = m
	return m, over
}

// drop clears the material of slots. When drop returns, nobody uses the material any more.
func (c *cache) drop(slots ...string) {
	for _, slot := range slots {
		c.mu.Lock()
		m := c.materials[slot]
		delete(c.materials, slot)
		if m != nil {
			c.bytes -= m.bytes
		}
		c.mu.Unlock()
		if m != nil {
			m.drop()
		}
	}
}

func (m *entry) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.key != nil {
		m.key.Destroy()
	}
	m.key, m.dropped = nil, true
}

// close drops everything.
func (c *cache) close() {
	c.mu.Lock()
	all := c.materials
	c.materials, c.bytes = map[string]*entry{}, 0
	c.mu.Unlock()
	for _, m := range all {
		m.drop()
	}
}
