package service

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// migrateGrantsPage is how many grants one transaction indexes: each makes up to three
// checks and two writes.
const migrateGrantsPage = 40

// indexGrants is the page of the migration from format 1, whose grants have no entry in
// records.GrantMatches. The limits of records.GranteeShapes are for new grants: older grants stay. A grant
// that has an entry is left alone, so a second migration, as after a loss of the record of
// the format, changes nothing.
func indexGrants(v *store.View, after string) (change func(*store.Tx) error, last string, n int, err error) {
	page, err := records.Grants.Scan(v, "", after, migrateGrantsPage)
	if err != nil || len(page) == 0 {
		return nil, "", 0, err
	}
	change = func(tx *store.Tx) error {
		for _, r := range page {
			g, ok, err := records.Grants.Get(tx, r.Path)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			indexed, err := isIndexed(tx, g)
			if err == nil && !indexed {
				_, err = records.IndexGrant(tx, g)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return change, page[len(page)-1].Path, len(page), nil
}

// isIndexed reports whether a grant has an entry in records.GrantMatches.
func isIndexed(tx *store.Tx, g key.Grant) (bool, error) {
	r, _, err := records.GrantShapes.Get(tx, records.GrantShapesPath(g))
	i := r.Find(records.ShapeOf(g))
	if err != nil || i < 0 {
		return false, err
	}
	_, ok, err := records.GrantMatches.Get(tx, r.MatchPath(g, r.Shapes[i]))
	return ok, err
}
