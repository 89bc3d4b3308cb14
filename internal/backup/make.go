package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/recipients"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrDataKeyChanged means that the data key was replaced while the backup was made. A new backup succeeds.
var ErrDataKeyChanged = errors.New("the data key was replaced while the backup was made: make the backup again")

const (
	readAtOnce  = 128 // records that one Scan returns
	slotsAtOnce = 32  // slots that are read at a time; on etcd each is a round trip
)

// A Source is the deployment of which backups are made.
type Source struct {
	Backend store.Backend
	Slots   store.Slots
	Keyring *seal.Keyring
	Shared  bool   // several nodes share the Backend
	Program string // version of Keyhold

	Offline      bool // no server makes the backup
	ApprovedOnly bool // backups are sealed with approved algorithms only
}

// Options are what may differ between two backups of a Source.
type Options struct {
	Recipients      []recipients.Recipient
	WithoutImported bool
	Now             time.Time
	// Page is called after each page of records, with their number so far. An error ends the backup.
	Page func(ctx context.Context, records int64) error
}

// Make writes a backup of the present revision to w, and returns its trailer. An error leaves a part that every reader
// refuses. Make reads one revision, and needs memory for a few pages of records.
//
// A slot that is erased meanwhile is missing in the backup: what the deployment has destroyed stays destroyed.
func Make(ctx context.Context, s Source, o Options, w io.Writer) (Trailer, error) {
	outer, err := newOuterWriter(w)
	if err != nil {
		return Trailer{}, err
	}
	encrypted, err := recipients.Seal(outer, o.Recipients...)
	if err != nil {
		return Trailer{}, fmt.Errorf("encrypt the backup: %w", err)
	}
	m := &maker{Source: s, Options: o, ctx: ctx, sealer: s.Keyring.Records(), writer: writer{to: encrypted}}
	if err := s.view(ctx, m.write); err != nil {
		return Trailer{}, err
	}
	if err := encrypted.Close(); err != nil {
		return Trailer{}, err
	}
	return m.writer.trailer, outer.finish()
}

// A maker is the state of one backup.
type maker struct {
	Source
	Options
	ctx    context.Context
	sealer seal.Sealer
	writer writer
}

func (m *maker) write(r store.Reader) error {
	h, err := m.header(r)
	if err != nil {
		return err
	}
	began := m.Keyring.Sealing()
	if err := m.writer.header(h); err != nil {
		return err
	}
	if err := m.records(r); err != nil {
		return err
	}
	if err := m.writer.finish(m.sealer); err != nil {
		return err
	}
	if seal.VersionOf(m.writer.trailer.Sealed) != began {
		return ErrDataKeyChanged
	}
	return nil
}

func (m *maker) header(r store.Reader) (h Header, err error) {
	keyring, err := store.ReadItem(r, []byte(records.KeyringPath))
	if err != nil {
		return h, err
	}
	h = Header{
		Format: Format, Program: m.Program, Revision: r.Rev(), Time: m.Now.UTC(), WithoutImported: m.WithoutImported,
		Keyring: keyring.Value, Shared: m.Shared, Offline: m.Offline,
	}
	return h, store.New(store.AtRevision(m.Backend, r), m.sealer).View(m.ctx, func(v *store.View) error {
		f, err := records.ReadFormat(v)
		if err != nil {
			return err
		}
		d, _, err := records.Deployments.Get(v, records.DeploymentPath)
		if err != nil {
			return err
		}
		id, _, err := records.DeploymentIDs.Get(v, records.DeploymentIDPath)
		h.Records, h.Account, h.Deployment = f.Format, d.Account, id.ID
		return err
	})
}

// records writes all records but the keyring, in the order of their paths.
func (m *maker) records(r store.Reader) error {
	var from []byte
	for {
		items, err := r.Scan(from, nil, readAtOnce)
		if err != nil || len(items) == 0 {
			return err
		}
		found, err := m.complete(items)
		if err != nil {
			return err
		}
		for _, record := range found {
			if err := m.writer.add(record); err != nil {
				return err
			}
			clearSlots(record)
		}
		from = append(items[len(items)-1].Key, 0)
		if err := m.Page(m.ctx, m.writer.trailer.Records); err != nil {
			return err
		}
	}
}

// complete returns the records of a page, with the secrets of their slots.
func (m *maker) complete(items []store.Item) (found []Record, err error) {
	for _, item := range items {
		if string(item.Key) == records.KeyringPath {
			continue
		}
		slots, err := m.slotsOf(item)
		if err != nil {
			return nil, err
		}
		found = append(found, Record{item.Key, item.Value, slots})
	}
	return found, m.readSlots(found)
}

// slotsOf returns the slots that a record names, without their secrets.
func (m *maker) slotsOf(item store.Item) (slots []Slot, err error) {
	var names []string
	switch prefix, _, _ := strings.Cut(string(item.Key), "/"); prefix {
	case records.Keys.Prefix:
		var k key.Key
		k, err = decode(m.sealer, records.Keys, item)
		names = k.Slots()
	case records.TokenRings.Prefix:
		var ring records.TokenRing
		ring, err = decode(m.sealer, records.TokenRings, item)
		names = ring.Slots()
	}
	for _, name := range names {
		slots = append(slots, Slot{Name: name})
	}
	return slots, err
}

// decode opens the value of a record.
func decode[T any](sealer store.Sealer, t store.Table[T], item store.Item) (v T, err error) {
	plain, err := sealer.Open(item.Key, item.Value)
	if err == nil {
		v, err = t.Codec.Decode(plain)
	}
	if err != nil {
		err = &store.CorruptError{Path: string(item.Key), Err: err}
	}
	return v, err
}

// readSlots reads the secrets of the slots of some records, concurrently.
func (m *maker) readSlots(found []Record) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	places := make(chan struct{}, slotsAtOnce)
	for _, r := range found {
		if m.leavesOut(r) {
			continue
		}
		for i := range r.Slots {
			places <- struct{}{}
			all.Go(func() {
				defer func() { <-places }()
				secret, err := m.Slots.Get(m.ctx, r.Slots[i].Name)
				if err != nil && !errors.Is(err, store.ErrNoSlot) {
					mu.Lock()
					failed = errors.Join(failed, fmt.Errorf("slot %s of %s: %w", r.Slots[i].Name, r.Key, err))
					mu.Unlock()
				}
				r.Slots[i].Secret = secret
			})
		}
	}
	all.Wait()
	return failed
}

// leavesOut reports whether the backup gets no secrets of the slots of a record: of keys with imported material, on
// request.
func (m *maker) leavesOut(r Record) bool {
	if !m.WithoutImported || len(r.Slots) == 0 || !strings.HasPrefix(string(r.Key), records.Keys.Prefix+"/") {
		return false
	}
	k, err := decode(m.sealer, records.Keys, store.Item{Key: r.Key, Value: r.Value})
	return err != nil || k.Origin == key.OriginExternal
}

func clearSlots(r Record) {
	for _, s := range r.Slots {
		clear(s.Secret)
	}
}
