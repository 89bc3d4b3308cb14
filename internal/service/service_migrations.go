package service

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A migration brings all records from one format to the next. It works in pages. Each page is
// one transaction, which also stores how far the migration has come. After a stop at any
// moment, the next start continues after the last page.
type migration struct {
	from, to int
	what     string // for the operator's log
	// page reads at most limit records after a path. It returns a function that changes them in
	// a transaction, and the path of the last record. The transaction needs one check and one
	// write besides, so page leaves room for them within the limits of a Batch. Without
	// records, the migration is complete.
	page func(v *store.View, after string, limit int) (change func(*store.Tx) error, last string, n int, err error)
}

// migrations lists the migrations from each older format to records.NewestFormat, in order. node is
// the ID of the node, or "" for the only one.
func migrations(node string) []migration {
	return []migration{
		{1, 2, "grants are indexed by operations and constraints", indexGrants},
		{2, 3, "the texts of keys have records of their own", splitKeys},
		{3, 4, "events that wait for the audit log belong to a node", giveOutboxTo(node)},
		{4, 5, "users and roles have a generation of their sessions", changeNothing},
		{5, 6, "audit logs have keys", changeNothing},
		{6, 7, "the record of a key can contain its text", changeNothing},
	}
}

// migrationPage is the number of records that one transaction changes. Each record takes up to
// three checks and two writes. A page that has too many bytes for a Batch is halved.
const migrationPage = 40

// checkFormat refuses a deployment of a newer version, before anything is changed.
func (s *Service) checkFormat(ctx context.Context) error {
	return s.store.View(ctx, func(v *store.View) error {
		f, err := records.ReadFormat(v)
		return errors.Join(err, f.Check())
	})
}

// migrate brings the records to the newest format. If one record says that they have it,
// migrate does nothing.
func (s *Service) migrate(ctx context.Context, all []migration) error {
	var f records.Format
	err := s.store.View(ctx, func(v *store.View) (err error) {
		f, err = records.ReadFormat(v)
		return err
	})
	for _, m := range all {
		if err == nil && f.Format == m.from {
			f, err = s.migrateBy(ctx, m, f)
		}
	}
	if err == nil && f.Format != records.NewestFormat {
		err = fmt.Errorf("no migration leads from format %d of the records", f.Format)
	}
	return err
}

// migrateBy carries out one migration, from the page at which the last start stopped.
func (s *Service) migrateBy(ctx context.Context, m migration, f records.Format) (records.Format, error) {
	s.log.Info("the records are brought to a newer format: older versions of the program cannot open them any more",
		"from", m.from, "to", m.to, "what", m.what, "resumed", f.To != 0)
	total, limit := 0, migrationPage
	for f.Format == m.from {
		next, records, err := s.migratePage(ctx, m, f, limit)
		if errors.Is(err, store.ErrInvalid) && limit > 1 {
			limit /= 2
			continue
		}
		if err != nil {
			return f, fmt.Errorf("migrate the records from format %d to %d: %w", m.from, m.to, err)
		}
		f, total = next, total+records
	}
	s.log.Info("the records have the newer format", "from", m.from, "to", m.to, "records", total)
	return f, nil
}

// migratePage changes one page of records and, in the same transaction, the record of the
// format.
func (s *Service) migratePage(
	ctx context.Context, m migration, f records.Format, limit int,
) (next records.Format, n int, err error) {
	var change func(*store.Tx) error
	err = s.store.View(ctx, func(v *store.View) (err error) {
		change, next.After, n, err = m.page(v, f.After, limit)
		return err
	})
	if err != nil {
		return f, 0, err
	}
	if next.Format, next.To = m.from, m.to; n == 0 {
		next = records.Format{Format: m.to}
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		now, err := records.ReadFormat(tx)
		if err != nil {
			return err
		}
		if now == next {
			return nil // by an earlier commit, whose outcome was unknown
		}
		if now != f {
			return errors.New("another process migrates the same records")
		}
		if n > 0 {
			err = change(tx)
		}
		return errors.Join(err, records.Formats.Put(tx, records.FormatPath, next))
	})
	return next, n, err
}

// indexGrants is the page of the migration from format 1, in which grants have no entry in
// records.GrantMatches. The limits of records.GranteeShapes apply to new grants only: all older
// grants get an entry. A grant with an entry is left unchanged, so a second migration, for
// example after the loss of the format record, changes nothing.
func indexGrants(v *store.View, after string, limit int) (
	change func(*store.Tx) error, last string, n int, err error,
) {
	page, err := records.Grants.Scan(v, "", after, limit)
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

// splitKeys is the page of the migration from format 2, where the record of a key contains its text.
func splitKeys(v *store.View, after string, limit int) (
	change func(*store.Tx) error, last string, n int, err error,
) {
	page, err := records.Keys.Scan(v, "", after, limit)
	if err != nil || len(page) == 0 {
		return nil, "", 0, err
	}
	change = func(tx *store.Tx) error {
		for _, r := range page {
			if err := records.SplitKey(tx, r.Path); err != nil {
				return err
			}
		}
		return nil
	}
	return change, page[len(page)-1].Path, len(page), nil
}

// giveOutboxTo returns the page of the migration from format 3, in which the path of an event
// in the outbox has no node. Events that have a node are left alone.
func giveOutboxTo(node string) func(*store.View, string, int) (func(*store.Tx) error, string, int, error) {
	return func(v *store.View, after string, limit int) (change func(*store.Tx) error, last string, n int, err error) {
		page, err := records.Outbox.Scan(v, "", after, limit)
		if err != nil || len(page) == 0 {
			return nil, "", 0, err
		}
		change = func(tx *store.Tx) error {
			to, err := node, error(nil)
			if to == "" {
				to, err = records.SoleNodeID(tx)
			}
			if err != nil {
				return err
			}
			for _, r := range page {
				if strings.Contains(r.Path, "/") {
					continue
				}
				if err := moveEvent(tx, r.Path, records.OutboxPath(to, r.Path)); err != nil {
					return err
				}
			}
			return nil
		}
		return change, page[len(page)-1].Path, len(page), nil
	}
}

func moveEvent(tx *store.Tx, from, to string) error {
	e, ok, err := records.Outbox.Get(tx, from)
	if err != nil || !ok {
		return err
	}
	return errors.Join(records.Outbox.Put(tx, to, e), records.Outbox.Delete(tx, from))
}

// changeNothing is the page of a migration to records that may have new members, so that older
// versions of the program refuse the deployment by its format.
func changeNothing(*store.View, string, int) (change func(*store.Tx) error, last string, n int, err error) {
	return nil, "", 0, nil
}
