package transfer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

const (
	readAtOnce = 500 // records that one Scan of the source returns
	sealAtOnce = 32  // records that are sealed again at a time; each may wait for a sync of a slot
	roomFor    = 8 << 10
)

// stays reports whether the records of a table stay behind: the records of nodes, unfinished erasures, and the keyring,
// which is written last.
func stays(prefix string) bool {
	switch prefix {
	case records.Fences.Prefix, records.SoleNodes.Prefix, records.Nodes.Prefix, records.Confirmations.Prefix,
		records.Erasures.Prefix, records.KeyringPath:
		return true
	}
	return false
}

// records copies all records behind the last one that an earlier process copied.
func (c *copier) records(ctx context.Context, r store.Reader) error {
	var from []byte
	if c.progress.After != "" {
		from = []byte(c.progress.After + "\x00")
	}
	for {
		items, err := r.Scan(from, nil, readAtOnce)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return c.flush(ctx)
		}
		writes, err := c.convertAll(ctx, items)
		if err != nil {
			return err
		}
		for i, w := range writes {
			if err := c.add(ctx, string(items[i].Key), w); err != nil {
				return err
			}
		}
		from = append(items[len(items)-1].Key, 0)
	}
}

// convertAll converts records concurrently, because the slots of several records are synced together.
func (c *copier) convertAll(ctx context.Context, items []store.Item) ([]store.Write, error) {
	writes, errs := make([]store.Write, len(items)), make([]error, len(items))
	places := make(chan struct{}, sealAtOnce)
	var all sync.WaitGroup
	for i, item := range items {
		places <- struct{}{}
		all.Go(func() {
			writes[i], errs[i] = c.convert(ctx, item)
			<-places
		})
	}
	all.Wait()
	return writes, errors.Join(errs...)
}

// convert returns what the target gets in place of a record. Without a key, it gets nothing. Most records are copied as
// they are, because the target has the same data keys and paths.
func (c *copier) convert(ctx context.Context, item store.Item) (store.Write, error) {
	prefix, path, _ := strings.Cut(string(item.Key), "/")
	if stays(prefix) {
		return store.Write{}, nil
	}
	switch prefix {
	case records.Keys.Prefix:
		k, err := open(c, records.Keys, path, item)
		lost := false
		if err == nil && c.Snapshot != nil {
			k, lost = c.Snapshot.WithoutLost(k)
		}
		if err != nil || len(k.Slots()) == 0 && !lost {
			return store.Write{Key: item.Key, Value: item.Value}, err
		}
		if k, err = material.ResealKey(ctx, c.from, c.to, k); err != nil {
			return store.Write{}, err
		}
		return sealed(c, records.Keys, path, k)
	case records.TokenRings.Prefix:
		return c.tokenRing(ctx, path, item)
	case records.Outbox.Prefix:
		return c.event(path, item)
	}
	return store.Write{Key: item.Key, Value: item.Value}, nil
}

func (c *copier) tokenRing(ctx context.Context, path string, item store.Item) (store.Write, error) {
	ring, err := open(c, records.TokenRings, path, item)
	if c.Snapshot != nil {
		ring.Keys = slices.DeleteFunc(ring.Keys, func(k records.TokenKey) bool { return c.Snapshot.IsLost(k.Slot) })
	}
	for i, k := range ring.Keys {
		if err == nil {
			ring.Keys[i], err = material.ResealTokenKey(ctx, c.keyring.TokenKeys(), c.From.Slots, c.To.Slots, k)
		}
	}
	if err != nil {
		return store.Write{}, err
	}
	return sealed(c, records.TokenRings, path, ring)
}

// event gives an event that a kill left in the outbox to the node of the copy. The old log may have the event too, as
// after a takeover. The target needs no void records, because no commit to the source can reach it.
func (c *copier) event(path string, item store.Item) (store.Write, error) {
	e, err := open(c, records.Outbox, path, item)
	if err != nil || e.Void {
		return store.Write{}, err
	}
	node, id, _ := strings.Cut(path, "/")
	if e.After = 0; e.From == "" {
		e.From = node
	}
	return sealed(c, records.Outbox, records.OutboxPath(c.progress.Node, id), e)
}

// open returns the value of a record.
func open[T any](c *copier, t store.Table[T], path string, item store.Item) (v T, err error) {
	plain, err := c.sealer.Open(item.Key, item.Value)
	if err == nil {
		v, err = t.Codec.Decode(plain)
	}
	if err != nil {
		err = &store.CorruptError{Path: t.Prefix + "/" + path, Err: err}
	}
	return v, err
}

// sealed returns the write of a record.
func sealed[T any](c *copier, t store.Table[T], path string, v T) (w store.Write, err error) {
	plain, err := t.Codec.Encode(v)
	if err != nil {
		return w, err
	}
	w.Key = []byte(t.Prefix + "/" + path)
	w.Value, err = c.sealer.Seal(w.Key, plain)
	return w, err
}

// add adds a write to the page, or nothing, and notes which record of the source was copied. A full page is written
// first.
func (c *copier) add(ctx context.Context, after string, w store.Write) error {
	if len(w.Key) > 0 {
		size := len(w.Key) + len(w.Value)
		if len(c.page) == store.MaxBatch-1 || c.size+size > store.MaxBytes-roomFor {
			if err := c.flush(ctx); err != nil {
				return err
			}
		}
		prefix, _, _ := strings.Cut(string(w.Key), "/")
		c.page, c.size = append(c.page, w), c.size+size
		c.progress.Counts[prefix]++
	}
	c.progress.After = after
	return nil
}

// flush writes the page, and the progress in the same transaction.
func (c *copier) flush(ctx context.Context) error {
	progress, err := sealed(c, records.Copies, records.CopyPath, c.progress)
	if err != nil {
		return err
	}
	c.marker, err = c.commit(ctx, store.Batch{
		Checks: []store.Check{{Key: progress.Key, Rev: c.marker}},
		Writes: append(c.page, progress),
	}, progress)
	c.page, c.size = nil, 0
	if err == nil {
		total := 0
		for _, n := range c.progress.Counts {
			total += n
		}
		c.Progress(total)
	}
	return err
}
