package backup

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// isSmall reports whether a record belongs to a table that a File keeps in memory: they describe the deployment, and
// their number does not grow with the number of keys.
func isSmall(path []byte) bool {
	prefix, _, _ := strings.Cut(string(path), "/")
	switch prefix {
	case records.Formats.Prefix, records.Deployments.Prefix, records.DeploymentIDs.Prefix, records.SoleNodes.Prefix,
		records.Nodes.Prefix, records.Confirmations.Prefix, records.Fences.Prefix, records.Levels.Prefix,
		records.AuditLogs.Prefix, records.Outbox.Prefix:
		return true
	}
	return false
}

func (r Record) item() store.Item { return store.Item{Key: r.Key, Value: r.Value, Rev: 1} }

// View implements store.Backend. The File must have been checked. Get, and a Scan with an end, return records of small
// tables only. A Scan without an end reads the backup: each one must begin behind the former one, and the slots of its
// records can be read from Slots until the next one.
func (f *File) View(ctx context.Context, fn func(store.Reader) error) error {
	return fn(&view{ctx: ctx, file: f})
}

// A view reads a File once.
type view struct {
	ctx    context.Context
	file   *File
	reader *reader
	ahead  []Record
	ended  bool
}

// Rev implements store.Reader.
func (v *view) Rev() int64 { return v.file.Header.Revision }

// Get implements store.Reader.
func (v *view) Get(keys ...[]byte) (items []store.Item, err error) {
	for _, k := range keys {
		item := store.Item{Key: k}
		if string(k) == records.KeyringPath {
			item.Value, item.Rev = v.file.Header.Keyring, 1
		}
		i, ok := slices.BinarySearchFunc(v.file.small, k, compareKey)
		if ok {
			item = v.file.small[i]
		}
		items = append(items, item)
	}
	return items, v.ctx.Err()
}

func compareKey(i store.Item, k []byte) int { return bytes.Compare(i.Key, k) }

// Scan implements store.Reader.
func (v *view) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if to == nil {
		return v.next(from, limit)
	}
	first, _ := slices.BinarySearchFunc(v.file.small, from, compareKey)
	last, _ := slices.BinarySearchFunc(v.file.small, to, compareKey)
	return slices.Clone(v.file.small[first:max(first, min(last, first+limit))]), v.ctx.Err()
}

// next returns the next records of the backup. At its end, it checks that they are the ones that Check has read.
func (v *view) next(from []byte, limit int) (items []store.Item, err error) {
	v.file.slots.clear()
	for len(items) < limit && err == nil {
		if len(v.ahead) == 0 {
			if v.ended {
				break
			}
			err = v.readChunk()
			continue
		}
		r := v.ahead[0]
		v.ahead = v.ahead[1:]
		if bytes.Compare(r.Key, from) < 0 {
			continue
		}
		v.file.slots.add(r)
		items = append(items, r.item())
	}
	if err == nil {
		err = v.ctx.Err()
	}
	return items, err
}

func (v *view) readChunk() (err error) {
	if v.reader == nil {
		if v.reader, _, err = v.file.read(); err != nil {
			return err
		}
	}
	var end *Trailer
	v.ahead, end, err = v.reader.records()
	if end != nil {
		v.ended = true
		if v.reader.chain != *v.file.checked {
			err = fmt.Errorf("%w: the file was changed after it was verified", ErrDamaged)
		}
	}
	return err
}

// Slots are the secrets of slots, by their names. A secret is empty if the backup does not have it.
type Slots map[string][]byte

func slotsOf(r Record) Slots {
	s := Slots{}
	s.add(r)
	return s
}

func (s Slots) add(r Record) {
	for _, slot := range r.Slots {
		s[slot.Name] = slot.Secret
	}
}

func (s Slots) clear() {
	for _, secret := range s {
		clear(secret)
	}
	clear(s)
}

// IsMissing reports whether the slot was erased or left out.
func (s Slots) IsMissing(slot string) bool { return len(s[slot]) == 0 }

// Get returns a secret, which the caller may clear.
func (s Slots) Get(_ context.Context, slot string) ([]byte, error) {
	if s.IsMissing(slot) {
		return nil, store.ErrNoSlot
	}
	return bytes.Clone(s[slot]), nil
}

// Put implements store.Slots.
func (s Slots) Put(context.Context, []byte) (string, error) { return "", errReadOnly }

// Erase implements store.Slots.
func (s Slots) Erase(context.Context, ...string) error { return errReadOnly }

// Each implements store.Slots.
func (s Slots) Each(context.Context, string, func(string, error) bool) error { return errReadOnly }

// Close implements store.Slots.
func (s Slots) Close() error { return nil }
