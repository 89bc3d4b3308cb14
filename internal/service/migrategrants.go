package service

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// migrateGrantsPage is how many grants one transaction indexes: each makes up to three
// checks and two writes.
const migrateGrantsPage = 40

// indexGrants is the page of the migration from format 1, whose grants have no entry in
// grantMatches. The limits of granteeShapes are for new grants: older grants stay. A grant
// that has an entry is left alone, so a second migration, as after a loss of the record of
// the format, changes nothing.
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
			indexed, err := isIndexed(tx, g)
			if err == nil && !indexed {
				_, err = indexGrant(tx, g)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return change, page[len(page)-1].Path, len(page), nil
}

// isIndexed reports whether a grant has an entry in grantMatches.
func isIndexed(tx *store.Tx, g key.Grant) (bool, error) {
	r, _, err := shapesOfGrantees.Get(tx, shapesPath(g))
	i := r.find(shapeOf(g))
	if err != nil || i < 0 {
		return false, err
	}
	_, ok, err := grantMatches.Get(tx, r.matchPath(g, r.Shapes[i]))
	return ok, err
}
