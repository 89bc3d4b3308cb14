// Package bounded keeps values in memory within a bound.
//
// It does not know when a value is out of date: a Cache is for values that follow from
// their keys. It destroys nothing: a value that is dropped may still be in use.
package bounded

import "sync"

// A Cache keeps values by their keys. Beyond a bound it drops other values one by one, in
// no order: so one user with many values does not take the values of all others away. Its
// methods may be called concurrently.
type Cache[K comparable, V any] struct {
	most, mostBytes int

	mu      sync.RWMutex
	entries map[K]entry[V]
	bytes   int // of all entries
}

type entry[V any] struct {
	value V
	bytes int
}

// New returns a Cache of at most so many values of at most so many bytes together.
func New[K comparable, V any](most, mostBytes int) *Cache[K, V] {
	return &Cache[K, V]{most: most, mostBytes: mostBytes, entries: map[K]entry[V]{}}
}

// Get returns the value of a key, if the Cache has the value.
func (c *Cache[K, V]) Get(key K) (value V, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	e, ok := c.entries[key]
	return e.value, ok
}

// Add keeps a value that takes about so many bytes, with its key. It returns the value that
// the Cache has for the key, which another caller may have added before.
func (c *Cache[K, V]) Add(key K, value V, bytes int) V {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[key]; ok {
		return e.value
	}
	c.entries[key] = entry[V]{value, bytes}
	c.bytes += bytes
	for other, e := range c.entries { // in no order
		if len(c.entries) <= c.most && c.bytes <= c.mostBytes {
			break
		}
		if other != key {
			delete(c.entries, other)
			c.bytes -= e.bytes
		}
	}
	return value
}

// Size returns the number of values, and how many bytes they take.
func (c *Cache[K, V]) Size() (values, bytes int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.entries), c.bytes
}
