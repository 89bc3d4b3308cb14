package service

import (
	"context"
	"errors"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// grantPage is the number of grants that one transaction removes. Each grant has up to five
// records, and a grantee whose shapes are written. A batch has 128 writes. A page that has too
// many bytes for a Batch, because of the shapes, is halved.
const grantPage = 18

// removalPages is the number of pages of grants that one sweep removes, of all keys together,
// so that a key with many grants does not delay the erasure of other keys' material.
const removalPages = 25

// removeGrants removes the grants on a key that is gone, in at most the given number of pages,
// and reports whether no grant is left. Each page is a transaction, so a stop never leaves a
// part of a grant.
func (s *Service) removeGrants(ctx context.Context, k key.Key, pages *int) (all bool, err error) {
	for limit := grantPage; ; {
		page, err := s.grantsOf(ctx, k, limit)
		if err != nil || len(page) == 0 {
			return true, err
		}
		if *pages == 0 {
			return false, nil
		}
		err = s.store.Update(ctx, func(tx *store.Tx) error { return eraseGrants(tx, page) })
		switch {
		case errors.Is(err, store.ErrInvalid) && limit > 1:
			limit /= 2
		case err != nil:
			return false, err
		default:
			*pages--
		}
	}
}

// grantsOf returns the first grants on a key.
func (s *Service) grantsOf(ctx context.Context, k key.Key, limit int) (page []store.Record[key.Grant], err error) {
	err = s.store.View(ctx, func(v *store.View) (err error) {
		page, err = records.Grants.Scan(v, records.PathOf(k)+"/", "", limit)
		return err
	})
	return page, err
}

// eraseGrants erases the grants that still exist: an earlier commit of unknown outcome may have erased
// them.
func eraseGrants(tx *store.Tx, page []store.Record[key.Grant]) error {
	for _, r := range page {
		_, ok, err := records.Grants.Get(tx, r.Path)
		if err == nil && ok {
			err = records.EraseGrant(tx, r.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
