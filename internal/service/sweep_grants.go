package service

import (
	"context"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// grantPage is how many grants one transaction removes: each has up to five records,
// and a grantee whose shapes are written. A batch has 128 writes.
const grantPage = 20

// removalPages is how many pages one sweep removes, of all keys together: a key with many
// grants does not keep the sweep from erasing the material of other keys.
const removalPages = 25

// removeGrants removes the grants on a key that is gone, in up to so many pages, and
// reports whether that was all of them. Each page is a transaction, so a stop leaves no
// half of a grant, and the next sweep goes on.
func (s *Service) removeGrants(ctx context.Context, k key.Key, pages *int) (all bool, err error) {
	for {
		var page []store.Record[key.Grant]
		err := s.store.View(ctx, func(v *store.View) (err error) {
			page, err = records.Grants.Scan(v, records.PathOf(k)+"/", "", grantPage)
			return err
		})
		if err != nil || len(page) == 0 {
			return true, err
		}
		if *pages == 0 {
			return false, nil
		}
		*pages--
		err = s.store.Update(ctx, func(tx *store.Tx) error {
			for _, r := range page {
				if err := records.EraseGrant(tx, r.Value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return false, err
		}
	}
}
