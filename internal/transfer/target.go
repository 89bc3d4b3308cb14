package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// maxCommits is how often one page is committed at most, if the store does not tell the outcome.
const maxCommits = 10

// begin claims an empty target, or continues an earlier copy of the same state.
func (c *copier) begin(ctx context.Context) error {
	var found []store.Item
	empty := false
	err := c.To.Backend.View(ctx, func(r store.Reader) (err error) {
		if found, err = r.Get(records.CopyKey(), []byte(records.KeyringPath)); err != nil {
			return err
		}
		any, err := r.Scan([]byte{0}, []byte{0xff}, 1)
		empty = len(any) == 0
		return err
	})
	switch {
	case err != nil:
		return err
	case found[1].Rev != 0:
		return fmt.Errorf("%w: it contains a deployment", ErrNotEmpty)
	case found[0].Rev != 0:
		return c.resume(found[0])
	case !empty:
		return fmt.Errorf("%w: it has records, and no keyring", ErrNotEmpty)
	}
	if err := c.checkNoSlots(ctx); err != nil {
		return err
	}
	c.progress.Node = "copy-" + records.NewNodeID()
	c.progress.Counts = map[string]int{}
	first, err := sealed(c, records.Copies, records.CopyPath, c.progress)
	if err != nil {
		return err
	}
	c.marker, err = c.commit(ctx, store.Batch{
		Checks: []store.Check{{Key: first.Key}, {Key: []byte(records.KeyringPath)}},
		Writes: []store.Write{first},
	}, first)
	return err
}

// resume continues the copy of an earlier process.
func (c *copier) resume(item store.Item) error {
	before, err := open(c, records.Copies, records.CopyPath, item)
	if err != nil {
		return fmt.Errorf("%w: it has an unfinished copy of another deployment", ErrNotEmpty)
	}
	if before.Source != c.progress.Source {
		return ErrChanged
	}
	c.progress, c.marker, c.continued = before, item.Rev, true
	return nil
}

func (c *copier) checkNoSlots(ctx context.Context) error {
	used := false
	err := c.To.Slots.Each(ctx, "", func(string, error) bool {
		used = true
		return false
	})
	if err == nil && used {
		err = fmt.Errorf("%w: it has slots", ErrNotEmpty)
	}
	return err
}

// commit makes a commit and returns its revision. If the outcome is not known, commit repeats it: each batch checks and
// replaces the progress, so it is made once.
func (c *copier) commit(ctx context.Context, b store.Batch, last store.Write) (rev int64, err error) {
	for range maxCommits {
		rev, err = c.To.Backend.Commit(ctx, b)
		switch {
		case err == nil:
			return rev, nil
		case errors.Is(err, store.ErrConflict):
			return c.made(ctx, last)
		case !errors.Is(err, store.ErrUnknown):
			return 0, err
		}
	}
	return 0, err
}

// made returns the revision of a write that an earlier attempt has made, or ErrOtherCopy.
func (c *copier) made(ctx context.Context, w store.Write) (rev int64, err error) {
	err = c.To.Backend.View(ctx, func(r store.Reader) error {
		item, err := store.ReadItem(r, w.Key)
		if rev = item.Rev; err == nil && !bytes.Equal(item.Value, w.Value) {
			err = ErrOtherCopy
		}
		return err
	})
	return rev, err
}
