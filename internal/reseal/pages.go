package reseal

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// The bounds of a page. A page that seals nothing again is not stored, except one in unstoredPages: a process that
// starts looks at no more pages once more.
const (
	pageLooks     = 250       // records that a page looks at
	countLooks    = 2000      // records that a page counts, which opens none of them
	pageWrites    = 50        // records that a page seals again, below the limit of a Batch
	pageBytes     = 900 << 10 // of these records, below the limit of a Batch
	unstoredPages = 50
)

// tokenLife is longer than a session token can be valid: 36 hours, and time for clocks that differ.
const tokenLife = 37 * time.Hour

// The pauses before another check.
const (
	againPause = time.Minute // after a check that has sealed records again
	stuckPause = time.Hour   // after a check that could not seal all records again
)

// A pass is the progress of a rotation in memory, which can be ahead of the stored one.
type pass struct {
	stored, ahead records.Reseal
	pages         int // since the stored progress
}

// page looks at the next records of a pass. The page is one transaction with the progress: a record that somebody
// changes meanwhile makes it run again.
func (k *Keeper) page(ctx context.Context, stored records.Reseal) (end records.Reseal, ended bool, err error) {
	if !isAt(k.pass.stored, stored) {
		k.pass = pass{stored: stored, ahead: stored}
	}
	var next records.Reseal
	put := false
	err = k.Store.Update(ctx, func(tx *store.Tx) error {
		if err := expect(tx, stored); err != nil {
			return err
		}
		next = k.pass.ahead
		next.Left = maps.Clone(next.Left)
		var wrote int
		if wrote, ended, err = k.sealPage(ctx, tx, &next); err != nil {
			return err
		}
		if put = !ended && (wrote > 0 || k.pass.pages >= unstoredPages); put {
			return records.Reseals.Put(tx, records.ResealPath, next)
		}
		return nil
	})
	if err != nil {
		return stored, false, err
	}
	k.pass.ahead, k.pass.pages = next, k.pass.pages+1
	if put {
		k.pass = pass{stored: next, ahead: next}
	}
	return next, ended, nil
}

// sealPage seals the records of one page again, or counts them. It reports how many it has sealed again, and whether
// no records follow.
func (k *Keeper) sealPage(ctx context.Context, tx *store.Tx, r *records.Reseal) (wrote int, ended bool, err error) {
	looks := pageLooks
	if r.Phase == records.PhaseCounting {
		looks = countLooks
	}
	v, items, err := tx.Sealed(r.After, looks)
	if err != nil || len(items) == 0 {
		return 0, err == nil, err
	}
	size := 0
	for _, item := range items {
		size += 2*len(item.Key) + len(item.Value)
		if wrote == pageWrites || wrote > 0 && size > pageBytes {
			return wrote, false, nil
		}
		runtime.Gosched() // requests do not wait for a page, also on one processor
		plain, again, err := k.look(ctx, v, item, r)
		if err != nil {
			return 0, false, err
		}
		if again {
			tx.Reseal(item, plain)
			wrote++
		} else {
			size -= 2*len(item.Key) + len(item.Value)
		}
		r.After = string(item.Key)
	}
	return wrote, false, nil
}

// look looks at a record. It returns the opened value, and whether it is to be sealed again.
func (k *Keeper) look(ctx context.Context, v *store.View, item store.Item, r *records.Reseal) ([]byte, bool, error) {
	path, version := string(item.Key), seal.VersionOf(item.Value)
	if path == records.KeyringPath {
		return nil, false, nil
	}
	old := version < r.To
	if r.Phase == records.PhaseCounting {
		if old {
			r.Total++
			r.Left = add(r.Left, version, 1)
		}
		return nil, false, nil
	}
	prefix, _, _ := strings.Cut(path, "/")
	if !old && prefix != records.Keys.Prefix && prefix != records.TokenRings.Prefix {
		return nil, false, nil
	}
	plain, inner, err := k.renew(ctx, v, item, prefix, r.To)
	if isStuck(err) {
		r.Stuck++
		k.Log.Error("a record cannot be sealed again, so the older data keys stay: stop the server and run keyhold verify",
			"record", path, "error", err)
		return nil, false, nil
	}
	if err != nil || !old && !inner {
		return nil, false, err
	}
	if r.Found++; old {
		r.Left = add(r.Left, version, -1)
	}
	return plain, true, nil
}

// isStuck reports whether an error means that a record is damaged.
func isStuck(err error) bool {
	_, corrupt := errors.AsType[*store.CorruptError](err)
	return corrupt || errors.Is(err, store.ErrNoSlot) || errors.Is(err, seal.ErrOpen)
}

// renew opens a record. Values in the record that are sealed themselves are sealed again if a data key before to
// sealed them; inner reports whether there were any.
func (k *Keeper) renew(
	ctx context.Context, v *store.View, item store.Item, prefix string, to uint32,
) (plain []byte, inner bool, err error) {
	if plain, err = v.Open(item); err != nil {
		return nil, false, err
	}
	switch prefix {
	case records.Keys.Prefix:
		key, err := records.Keys.Codec.Decode(plain)
		if err == nil {
			key, inner, err = material.RenewKey(ctx, k.Materials.Sealer, key, to)
		}
		if err == nil && inner {
			plain, err = records.Keys.Codec.Encode(key)
		}
		return plain, inner, err
	case records.TokenRings.Prefix:
		ring, err := records.TokenRings.Codec.Decode(plain)
		if err == nil {
			ring, inner, err = material.RenewTokenKeys(ctx, k.Materials.Sealer, k.Keyring.TokenKeys(), ring, to)
		}
		if err == nil && inner {
			plain, err = records.TokenRings.Codec.Encode(ring)
		}
		return plain, inner, err
	}
	return plain, false, nil
}

// add adds to the number of records under a data key, which is not lower than 0: records under older data keys that
// were written after the count were not counted.
func add(left map[string]int64, version uint32, n int64) map[string]int64 {
	if left == nil {
		left = map[string]int64{}
	}
	of := strconv.FormatUint(uint64(version), 10)
	if left[of] += n; left[of] <= 0 {
		delete(left, of)
	}
	return left
}

// after returns what follows a pass that has looked at all records: nothing if the older data keys can be destroyed.
func after(r records.Reseal, now time.Time) (next records.Reseal, destroy bool) {
	next = r
	next.After, next.Found, next.Stuck = "", 0, 0
	switch r.Phase {
	case records.PhaseCounting:
		next.Phase = records.PhaseResealing
		return next, false
	case records.PhaseResealing:
		next.Phase, next.Rest = records.PhaseResting, r.Since.Add(tokenLife)
	case records.PhaseChecking:
		if r.Found+r.Stuck == 0 {
			return r, true
		}
		next.Phase, next.Rest = records.PhaseResting, now.Add(againPause)
		next.Tries++
	}
	if next.Stuck = r.Stuck; r.Stuck == 0 {
		next.Left = nil
	} else if r.Phase == records.PhaseChecking {
		next.Rest = now.Add(stuckPause)
	}
	return next, false
}
