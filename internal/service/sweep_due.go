package service

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Sharing divides the work of the sweep among the nodes of a deployment.
type Sharing interface {
	// Mine reports whether this node carries out the due changes of the record at a path. Two nodes
	// may carry out one change at once: one of them then conflicts.
	Mine(path string) bool
	// Clock returns why the wall clock of this node is not trusted, or nil. Meanwhile the node must not
	// destroy anything because its time has come.
	Clock() error
}

// sharingPatience is how long a change is due before every node carries it out, because its own node may
// have stopped.
const sharingPatience = 5 * time.Second

// mine reports whether this node carries out the change of an entry of the index of due times.
func (s *Service) mine(entry string, now time.Time) bool {
	return entry < records.DueSecond(now.Add(-sharingPatience)) || s.sharing.Mine(records.KeyPathOfDue(entry))
}

// errChangedMeanwhile leaves a due change to the next sweep.
var errChangedMeanwhile = errors.New("the key was changed meanwhile")

// Sweep carries out the due changes of this node, except the removal of grants beyond removalPages,
// which later sweeps continue. Its cost depends on the number of due changes, not on the number of
// keys. A failed change is left for the next sweep and does not stop the others. Only one sweep
// runs at a time in a process, so that none removes records that were made after another sweep had
// finished with a key.
func (s *Service) Sweep(ctx context.Context) error {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	now, pages := s.clock.Now(), removalPages
	if s.sharing.Clock() != nil {
		return nil
	}
	if s.journal.TakeLate() {
		s.materials.NoteUnerased()
	}
	return errors.Join(
		s.materials.SweepErasures(ctx, time.Now()),
		s.tokenKeys.DestroyOld(ctx, material.HourOf(now)),
		s.eachDue(ctx, now, func(entry string) error { return s.sweepEntry(ctx, entry, now, &pages) }))
}

// sweepEntry carries out the change of an entry of the index, if this node has to. A conflict, with a
// request or with the sweep of another node, leaves the entry to the next sweep.
func (s *Service) sweepEntry(ctx context.Context, entry string, now time.Time, pages *int) error {
	if !s.mine(entry, now) {
		return nil
	}
	err := s.sweepKey(ctx, entry, now, pages)
	if errors.Is(err, errChangedMeanwhile) || errors.Is(err, store.ErrConflict) {
		s.log.Debug("a due change of a key conflicted with another change", "entry", entry, "error", err)
		return nil
	}
	return err
}

// eachDue calls fn with each entry of the index that is due at the time.
func (s *Service) eachDue(ctx context.Context, now time.Time, fn func(entry string) error) (failed error) {
	for after := ""; ; {
		page, err := s.due(ctx, after, now)
		if err != nil || len(page) == 0 {
			return errors.Join(failed, err)
		}
		for _, entry := range page {
			if err := fn(entry); err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: %w", entry, err))
			}
		}
		after = page[len(page)-1]
	}
}

// due returns a page of the index entries that are due at the time.
func (s *Service) due(ctx context.Context, after string, now time.Time) (paths []string, err error) {
	err = s.store.View(ctx, func(v *store.View) error {
		entries, err := records.Dues.Scan(v, "", after, sweepPage)
		for _, r := range entries {
			if r.Path[:len(records.DueSecond(now))] <= records.DueSecond(now) {
				paths = append(paths, r.Path)
			}
		}
		return err
	})
	return paths, err
}

// sweepKey brings the record of a key to its present state, with an event, and rotates the key
// if a rotation is due. pages is the number of pages of grants that the sweep may still remove.
func (s *Service) sweepKey(ctx context.Context, entry string, now time.Time, pages *int) error {
	path := records.KeyPathOfDue(entry)
	stored, err := s.storedKey(ctx, path)
	if err != nil {
		return err
	}
	if entry != records.DuePath(stored.ListedAt(), path) {
		return s.removeStray(ctx, entry, path)
	}
	k := stored.At(now)
	if stored.State != key.Gone && !reflect.DeepEqual(k, stored) {
		if err := s.writeDue(ctx, stored, now); err != nil {
			return err
		}
	}
	switch {
	case k.State == key.Gone:
		return s.remove(ctx, k, entry, pages)
	case k.RotationDue(now) && s.full() == nil:
		return s.rotate(ctx, k, now)
	case !k.Listed.IsZero() && s.full() == nil:
		return s.moveEntry(ctx, entry, path)
	}
	return nil
}

// moveEntry moves an entry of the index that came before its key is due.
func (s *Service) moveEntry(ctx context.Context, entry, path string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		stored, _, err := records.Keys.Get(tx, path)
		if err != nil || entry != records.DuePath(stored.ListedAt(), path) {
			return err
		}
		return records.ListDue(tx, stored)
	})
}

// storedKey returns the record of a key, or a zero Key if the record does not exist.
func (s *Service) storedKey(ctx context.Context, path string) (k key.Key, err error) {
	err = s.store.View(ctx, func(v *store.View) error {
		k, _, err = records.Keys.Get(v, path)
		return err
	})
	return k, err
}

// removeStray removes an index entry of a key that does not exist or is not due at that time.
func (s *Service) removeStray(ctx context.Context, entry, path string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		stored, _, err := records.Keys.Get(tx, path)
		if err != nil || entry == records.DuePath(stored.ListedAt(), path) {
			return err
		}
		if _, ok, err := records.Dues.Get(tx, entry); err != nil || !ok {
			return err
		}
		return records.Dues.Delete(tx, entry)
	})
}

// writeDue stores the key in its state at the given time, for example without expired material.
// If the key was changed meanwhile, writeDue leaves it to the next sweep.
func (s *Service) writeDue(ctx context.Context, stored key.Key, now time.Time) error {
	k := stored.At(now)
	name := "DeleteExpiredKeyMaterial"
	switch {
	case k.State == key.Gone:
		name = "DeleteKey"
	case len(k.Slots()) == len(stored.Slots()): // a replica of the key is gone
		name = "SynchronizeMultiRegionKey"
	}
	var left []string
	err := s.journal.Update(ctx, func(tx *store.Tx) error {
		current, _, err := records.Keys.Get(tx, records.PathOf(k))
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(current, stored) {
			return errChangedMeanwhile
		}
		left, err = records.PutKeys(tx, k)
		return err
	}, keyEvent(name, k, now))
	if err != nil {
		return err
	}
	return s.materials.Erase(ctx, left)
}

// remove removes a key that is gone and everything that belongs to it: its grants and aliases
// in pages, the record last. Nothing is added meanwhile, because the key is gone. If grants are
// left, the index entry stays, so that the next sweep continues.
func (s *Service) remove(ctx context.Context, k key.Key, entry string, pages *int) error {
	if all, err := s.removeGrants(ctx, k, pages); err != nil || !all {
		return err
	}
	for {
		names, err := s.aliasPage(ctx, k)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			break
		}
		if err := s.removeAliases(ctx, k, names); err != nil {
			return err
		}
	}
	s.usage.forget(records.PathOf(k))
	return s.store.Update(ctx, func(tx *store.Tx) error {
		// The record is read, so that a commit that is late does not remove a key that was made with the same ID.
		stored, ok, err := records.Keys.Get(tx, records.PathOf(k))
		if err != nil || !ok || stored.State != key.Gone {
			return err
		}
		if k.IsPrimary() {
			if err := records.Families.Delete(tx, records.FamilyPath(k)); err != nil {
				return err
			}
		}
		path := records.PathOf(k)
		return errors.Join(
			records.Usages.Delete(tx, path),
			records.ExpiryWarnings.Delete(tx, path),
			records.GrantGuards.Delete(tx, path),
			records.AliasGuards.Delete(tx, path),
			records.Keys.Delete(tx, path),
			records.KeyTexts.Delete(tx, path),
			records.Dues.Delete(tx, entry),
		)
	})
}

// aliasPage returns the names of some aliases of the key, without their prefix: as many as a
// transaction can remove.
func (s *Service) aliasPage(ctx context.Context, k key.Key) (names []string, err error) {
	err = s.store.View(ctx, func(v *store.View) error {
		under := records.PathOf(k) + "/"
		entries, err := records.AliasesOfKey.Scan(v, under, "", 30)
		for _, r := range entries {
			names = append(names, r.Path[len(under):])
		}
		return err
	})
	return names, err
}

func (s *Service) removeAliases(ctx context.Context, k key.Key, names []string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		for _, name := range names {
			path := records.AliasPath(k.Account, k.Region, key.AliasPrefix+name)
			a, _, err := records.Aliases.Get(tx, path)
			if err != nil {
				return err
			}
			if a.KeyID == k.ID { // another key may have taken the alias meanwhile
				err = records.Aliases.Delete(tx, path)
			}
			if err := errors.Join(err, records.AliasesOfKey.Delete(tx, records.PathOf(k)+"/"+name)); err != nil {
				return err
			}
		}
		return nil
	})
}
