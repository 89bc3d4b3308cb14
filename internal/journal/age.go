package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/store"
)

var (
	// ErrOlderStore: the audit log has seen a later state of the store, so an older copy
	// of the store was put back.
	ErrOlderStore = errors.New("the store is older than its audit log")

	// ErrNoRevision: the audit log has events, and none of them has the revision of the
	// store. This program stamps every event with the revision.
	ErrNoRevision = errors.New("no event in the audit log has a storeRevision, so nothing shows how old the store may be")
)

// CheckAge refuses a store that is older than its audit log.
func (j *Journal) CheckAge(ctx context.Context) error {
	return j.store.View(ctx, func(v *store.View) error {
		return CompareAge(v.Rev(), j.audit.Revision(), !j.audit.Blank())
	})
}

// CompareAge refuses a store at a revision lower than the highest revision that the audit
// log has seen. A log with events has seen a revision.
func CompareAge(store, logged int64, hasEvents bool) error {
	switch {
	case logged == 0 && hasEvents:
		return ErrNoRevision
	case logged > store:
		return fmt.Errorf("%w: the store is at revision %d, the log has seen %d", ErrOlderStore, store, logged)
	}
	return nil
}
