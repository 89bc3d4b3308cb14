package service

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// keyUsage keeps the last uses of keys in memory, so that no request waits for a write. In the
// background it writes a new use within a minute, but the uses of one key at most once an hour.
// A shutdown writes everything. A crash loses the uses that were not written.
type keyUsage struct {
	store    *store.Store
	log      *slog.Logger
	diskFull func() error // Config.Full
	// put writes the usages of records that still exist, so that no usage outlives its record.
	put func(*store.Tx, []dueUsage) error

	mu   sync.Mutex
	keys map[string]notedUsage // by the path of the key
	max  int                   // the maximum number of keys

	full chan struct{} // signals that memory has three quarters of max
	done chan struct{} // closed to end
	gone sync.WaitGroup
}

// A notedUsage is the last usage of a record. It is clean if the store has it.
type notedUsage struct {
	records.Usage
	clean   bool
	written time.Time // wall time of the last writing, zero for none
}

// usagePause is the time between two background writes, and usageInterval the shortest time
// between two writes of one key. maxUsages bounds the keys in memory. usageBatch is the number of
// usages in one transaction, below the bound of a Batch.
const (
	usagePause    = time.Minute
	usageInterval = time.Hour
	maxUsages     = 100_000
	usageBatch    = 64
	usagePatience = 10 * time.Second // for one transaction, so that Close does not wait for ever
)

func newKeyUsage(
	s *store.Store, log *slog.Logger, diskFull func() error, put func(*store.Tx, []dueUsage) error,
) *keyUsage {
	u := &keyUsage{
		store:    s,
		log:      log,
		diskFull: diskFull,
		put:      put,
		keys:     map[string]notedUsage{},
		max:      maxUsages,
		full:     make(chan struct{}, 1),
		done:     make(chan struct{}),
	}
	u.gone.Go(u.keep)
	return u
}

// note keeps a usage in memory. If the memory is full, note drops the usage of a new key.
func (u *keyUsage) note(path string, r records.Usage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n, known := u.keys[path]
	if r.Time.Before(n.Time) {
		return // an older request that ended later
	}
	if !known && len(u.keys) >= u.max/4*3 {
		select {
		case u.full <- struct{}{}:
		default:
		}
	}
	if !known && len(u.keys) >= u.max {
		return
	}
	n.Usage, n.clean = r, false
	u.keys[path] = n
}

// last returns the usage of a key, if memory has it.
func (u *keyUsage) last(path string) (records.Usage, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	n, ok := u.keys[path]
	return n.Usage, ok
}

// forget drops the usage of a removed key.
func (u *keyUsage) forget(path string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.keys, path)
}

func (u *keyUsage) keep() {
	tick := time.NewTicker(usagePause)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-tick.C:
			err = u.write(context.Background(), time.Now(), usageInterval)
		case <-u.full:
			err = u.makeRoom(context.Background(), time.Now())
		case <-u.done:
			return
		}
		if err != nil && !errors.Is(err, space.ErrFull) {
			u.log.Error("the last uses of keys were not written; the server tries again", "error", err)
		}
	}
}

// makeRoom writes all new usages and drops the written ones.
func (u *keyUsage) makeRoom(ctx context.Context, now time.Time) error {
	err := u.write(ctx, now, 0)
	u.dropWritten(now, 0)
	return err
}

// write writes the new usages of the keys that were not written within the interval.
func (u *keyUsage) write(ctx context.Context, now time.Time, interval time.Duration) error {
	u.dropWritten(now, interval)
	due := u.due(now, interval)
	for len(due) > 0 {
		if err := u.diskFull(); err != nil {
			return err
		}
		batch := due[:min(len(due), usageBatch)]
		if err := u.writeBatch(ctx, batch); err != nil {
			return err
		}
		u.markWritten(batch, now)
		due = due[len(batch):]
	}
	return nil
}

// flush writes the usage of a record at once, unless the store has it.
func (u *keyUsage) flush(ctx context.Context, path string) error {
	u.mu.Lock()
	n := u.keys[path]
	u.mu.Unlock()
	if n.clean || n.Time.IsZero() {
		return nil
	}
	batch := []dueUsage{{path, n.Usage}}
	err := u.writeBatch(ctx, batch)
	if err == nil {
		u.markWritten(batch, time.Now())
	}
	return err
}

// writeBatch writes usages in one transaction. It does not wait for a silent store for ever.
func (u *keyUsage) writeBatch(ctx context.Context, batch []dueUsage) error {
	ctx, cancel := context.WithTimeout(ctx, usagePatience)
	defer cancel()
	return u.store.Update(ctx, func(tx *store.Tx) error { return u.put(tx, batch) })
}

// A dueUsage is a usage to write.
type dueUsage struct {
	path string
	records.Usage
}

// due returns the usages that the store does not have, of the keys that were not written within the
// interval.
func (u *keyUsage) due(now time.Time, interval time.Duration) (due []dueUsage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for path, n := range u.keys {
		if !n.clean && now.Sub(n.written) >= interval {
			due = append(due, dueUsage{path, n.Usage})
		}
	}
	return due
}

// dropWritten drops from memory the keys whose usage the store has, and that were not written within
// the interval.
func (u *keyUsage) dropWritten(now time.Time, interval time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for path, n := range u.keys {
		if n.clean && now.Sub(n.written) >= interval {
			delete(u.keys, path)
		}
	}
}

// putUsages writes usages of keys.
func putUsages(tx *store.Tx, batch []dueUsage) error {
	for _, d := range batch {
		k, ok, err := records.Keys.Get(tx, d.path)
		if err == nil && ok && k.State != key.Gone {
			err = putLater(tx, records.Usages, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// putLater writes a usage unless the record has a later one, of another node or of a later write.
func putLater(tx *store.Tx, t store.Table[records.Usage], d dueUsage) error {
	kept, _, err := t.Get(tx, d.path)
	if err != nil || kept.Time.After(d.Time) {
		return err
	}
	return t.Put(tx, d.path, d.Usage)
}

func (u *keyUsage) markWritten(batch []dueUsage, now time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, d := range batch {
		if n, ok := u.keys[d.path]; ok {
			n.written, n.clean = now, n.Usage == d.Usage
			u.keys[d.path] = n
		}
	}
}

// close writes all usages, unless the disk is full.
func (u *keyUsage) close() error {
	close(u.done)
	u.gone.Wait()
	err := u.write(context.Background(), time.Now(), 0)
	if errors.Is(err, space.ErrFull) {
		return nil
	}
	return err
}

// noteUsage keeps in memory that the call used its keys. eventID is the ID of the call's event.
func (c *call) noteUsage(eventID string) {
	for i, k := range c.keys {
		if hasExpiring(&c.keys[i]) {
			c.expiry.callers.Note(records.PathOf(k), c.Caller.Principal.ARN, c.now)
		}
		c.usage.note(records.PathOf(k), records.Usage{
			Operation: c.Operation.Name,
			RequestID: c.ID,
			EventID:   eventID,
			Time:      c.now,
		})
	}
}

// hasExpiring reports whether a key has material that expires.
func hasExpiring(k *key.Key) bool {
	for i := range k.Materials {
		if !k.Materials[i].ValidTo.IsZero() {
			return true
		}
	}
	return false
}
