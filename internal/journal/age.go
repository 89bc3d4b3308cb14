package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/store"
)

var (
	// ErrOlderStore means that the audit log contains a later revision of the store. The store
	// was restored from an older copy.
	ErrOlderStore = errors.New("the store is older than its audit log")

	// ErrNoRevision means that the audit log has events without a revision of the store. This
	// program stamps every event with the revision.
	ErrNoRevision = errors.New("no event in the audit log has a storeRevision, so nothing shows how old the store may be")
)

// CheckAge rejects a store that is older than its audit log.
func (j *Journal) CheckAge(ctx context.Context) error {
	return j.store.View(ctx, func(v *store.View) error {
		return CompareAge(v.Rev(), j.audit.Revision(), !j.audit.Blank())
	})
}

// CompareAge rejects a store whose revision is lower than the highest revision in the audit log.
// It also rejects a log with events but without a revision.
func CompareAge(store, logged int64, hasEvents bool) error {
	switch {
	case logged == 0 && hasEvents:
		return ErrNoRevision
	case logged > store:
		return fmt.Errorf("%w: the store is at revision %d, the log has seen %d", ErrOlderStore, store, logged)
	}
	return nil
}
