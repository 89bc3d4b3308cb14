package service

import (
	"sync"

	"github.com/keyhold/keyhold/internal/crypt"
)

// maxOpened is how many opened materials are kept, and maxOpenedBytes about how
// much memory they take: those of ML-DSA are two hundred times as large as others.
const (
	maxOpened      = 10_000
	maxOpenedBytes = 128 << 20
)

// opened keeps keys made of material that was used at hand, by the slot that the
// material is sealed under, until that is erased. A slot never becomes that of
// other material.
type opened struct {
	mu        sync.RWMutex
	materials map[string]*openedMaterial
	bytes     int // that all of them take
}

// An openedMaterial is in use by whoever holds mu.
type openedMaterial struct {
	mu      sync.RWMutex
	key     crypt.Key // nil until it is opened, and after it was dropped
	dropped bool
	bytes   int // under the lock of all
}

func newOpened() *opened { return &opened{materials: map[string]*openedMaterial{}} }

// with calls use, which keeps nothing of it, with the key of a slot's material,
// which open makes if need be.
func (o *opened) with(slot string, open func() (crypt.Key, error), use func(crypt.Key) error) error {
	for {
		m := o.get(slot)
		m.mu.RLock()
		if m.key != nil {
			defer m.mu.RUnlock()
			return use(m.key)
		}
		m.mu.RUnlock()
		bytes, err := m.fill(open)
		if err != nil {
			o.drop(slot)
			return err
		}
		o.drop(o.weigh(slot, m, bytes)...)
	}
}

// fill opens the material, unless somebody else did meanwhile, and returns what
// it takes. One that was dropped is left alone: there is another in its place.
func (m *openedMaterial) fill(open func() (crypt.Key, error)) (bytes int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dropped {
		return 0, nil
	}
	if m.key == nil {
		if m.key, err = open(); err != nil {
			m.key = nil // and not a nil pointer in an interface
			return 0, err
		}
	}
	return m.key.Footprint(), nil
}

// weigh notes what the material of a slot takes, and returns others that have to
// make room for it.
func (o *opened) weigh(slot string, m *openedMaterial, bytes int) (over []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.materials[slot] != m {
		return nil // it was dropped meanwhile
	}
	o.bytes += bytes - m.bytes
	m.bytes = bytes
	left := o.bytes
	for other, kept := range o.materials { // in no order
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

func (o *opened) get(slot string) *openedMaterial {
	o.mu.RLock()
	m := o.materials[slot]
	o.mu.RUnlock()
	if m != nil {
		return m
	}
	m, over := o.add(slot)
	if over != "" {
		o.drop(over)
	}
	return m
}

// add returns the place of a slot's material, and a slot that has to make room.
func (o *opened) add(slot string) (m *openedMaterial, over string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m = o.materials[slot]; m != nil {
		return m, ""
	}
	if len(o.materials) >= maxOpened {
		for over = range o.materials { // in no order
			break
		}
	}
	m = &openedMaterial{}
	o.materials[slot] = m
	return m, over
}

// drop clears the material of slots. It is not used any more when drop returns.
func (o *opened) drop(slots ...string) {
	for _, slot := range slots {
		o.mu.Lock()
		m := o.materials[slot]
		delete(o.materials, slot)
		if m != nil {
			o.bytes -= m.bytes
		}
		o.mu.Unlock()
		if m != nil {
			m.drop()
		}
	}
}

func (m *openedMaterial) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.key != nil {
		m.key.Destroy()
	}
	m.key, m.dropped = nil, true
}

// close drops everything.
func (o *opened) close() {
	o.mu.Lock()
	all := o.materials
	o.materials, o.bytes = map[string]*openedMaterial{}, 0
	o.mu.Unlock()
	for _, m := range all {
		m.drop()
	}
}
