package service

import (
	"github.com/keyhold/keyhold/internal/store"
)

// migrateGrantsPage is how many grants one transaction indexes: each makes two checks
// and two writes.
const migrateGrantsPage = 60

// indexGrants is the page of the migration from format 1, whose grants have no entry in
// grantMatches. The limits of granteeShapes are for new grants: all that are there stay.
func indexGrants(v *store.View, after string) (change func(*store.Tx) error, last string, n int, err error) {
	page, err := grants.Scan(v, "", after, migrateGrantsPage)
	if err != nil || len(page) == 0 {
		return nil, "", 0, err
	}
	change = func(tx *store.Tx) error {
		for _, r := range page {
			g, ok, err := grants.Get(tx, r.Path)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			if _, err := indexGrant(tx, g); err != nil {
				return err
			}
		}
		return nil
	}
	return change, page[len(page)-1].Path, len(page), nil
}
