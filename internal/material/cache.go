package material

import (
	"maps"
	"slices"
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
	ofKey     map[string]map[string]*entry // by the path of the key for which they were opened, and by slot
	bytes     int                          // memory of all entries
}

// An entry is in use while a caller holds mu.
type entry struct {
	mu      sync.RWMutex
	key     crypt.Key // nil before it is opened, and after it was dropped
	dropped bool

	// The lock of the cache protects these.
	of    string // the path of the key for which the material was opened
	bytes int
}

func newCache() *cache {
	return &cache{materials: map[string]*entry{}, ofKey: map[string]map[string]*entry{}}
}

// size returns the memory of all entries.
func (c *cache) size() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.bytes
}

// An opener opens material, and returns the path of the key record that names it.
type opener func() (made crypt.Key, of string, err error)

// with calls use with the key of a slot's material. If the key is not in the cache, open opens
// the material, and returns the path of the key record. use must not keep the key.
func (c *cache) with(slot string, open opener, use func(crypt.Key) error) error {
	for {
		m := c.get(slot)
		m.mu.RLock()
		if m.key != nil {
			defer m.mu.RUnlock()
			return use(m.key)
		}
		m.mu.RUnlock()
		bytes, of, err := m.fill(open)
		if err != nil {
			c.drop(slot)
			return err
		}
		c.drop(c.account(slot, of, m, bytes)...)
	}
}

// fill opens the material, unless another caller has opened it. It returns the memory of the key in
// bytes, and the path of the key record if this call has opened the material. An entry that was
// dropped stays empty, because another entry has replaced it.
func (m *entry) fill(open opener) (bytes int, of string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dropped {
		return 0, "", nil
	}
	if m.key == nil {
		if m.key, of, err = open(); err != nil {
			m.key = nil // a nil pointer in an interface is not nil
			return 0, "", err
		}
	}
	return m.key.Footprint(), of, nil
}

// account records the memory of a slot's material and the key of which it is. It returns the slots of
// other material that is dropped to make room.
func (c *cache) account(slot, of string, m *entry, bytes int) (over []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.materials[slot] != m {
		return nil // the entry was dropped meanwhile
	}
	c.bytes += bytes - m.bytes
	m.bytes = bytes
	if of != "" {
		m.of = of
		if c.ofKey[of] == nil {
			c.ofKey[of] = map[string]*entry{}
		}
		c.ofKey[of][slot] = m
	}
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
		if m := c.remove(slot); m != nil {
			m.drop()
		}
	}
}

// remove takes the entry of a slot out of the cache.
func (c *cache) remove(slot string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.materials[slot]
	if m == nil {
		return nil
	}
	delete(c.materials, slot)
	c.bytes -= m.bytes
	delete(c.ofKey[m.of], slot)
	if len(c.ofKey[m.of]) == 0 {
		delete(c.ofKey, m.of)
	}
	return m
}

func (m *entry) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.key != nil {
		m.key.Destroy()
	}
	m.key, m.dropped = nil, true
}

// leave takes the material of a key out of the cache, and clears it when nobody uses it any more.
func (c *cache) leave(of string) {
	c.mu.RLock()
	slots := slices.Collect(maps.Keys(c.ofKey[of]))
	c.mu.RUnlock()
	for _, slot := range slots {
		if m := c.remove(slot); m != nil {
			go m.drop()
		}
	}
}

// leaveAll takes everything out of the cache, and clears what nobody uses any more.
func (c *cache) leaveAll() {
	go dropAll(c.empty())
}

// close drops everything.
func (c *cache) close() { dropAll(c.empty()) }

func (c *cache) empty() map[string]*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.materials
	c.materials, c.ofKey, c.bytes = map[string]*entry{}, map[string]map[string]*entry{}, 0
	return all
}

func dropAll(all map[string]*entry) {
	for _, m := range all {
		m.drop()
	}
}
