package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// Many commits at once have results of their own. Each writes a record, and checks that another commit has not written
// its record: exactly one of the two is made. Watch tells the records of each commit at its revision.
func testCommitsAtOnce(t *testing.T, b store.Backend) {
	const commits = 100
	start := head(t, b)
	var revs [commits]int64
	var errs [commits]error
	var all sync.WaitGroup
	for i := range commits {
		batch := writes(kv(nameOf(i), "x"), kv(nameOf(i)+"/more", "x"))
		batch.Checks = []store.Check{at(nameOf(i), 0), at(nameOf(i^1), 0)}
		all.Go(func() { revs[i], errs[i] = b.Commit(t.Context(), batch) })
	}
	all.Wait()
	told := keysByRevision(t, b, start, commit(t, b, writes(kv("end", "x"))))
	view(t, b, func(r store.Reader) {
		for i := range commits {
			rev := get(t, r, nameOf(i)).Rev
			switch {
			case (errs[i] == nil) == (errs[i^1] == nil):
				t.Errorf("commits %d and %d exclude each other: %v, %v", i, i^1, errs[i], errs[i^1])
			case errs[i] != nil && (rev != 0 || !errors.Is(errs[i], store.ErrConflict)):
				t.Errorf("commit %d returned %v, and its record has revision %d", i, errs[i], rev)
			case errs[i] == nil && rev != revs[i]:
				t.Errorf("commit %d returned revision %d, and its record has %d", i, revs[i], rev)
			case errs[i] == nil && (!slices.Contains(told[rev], nameOf(i)) || !slices.Contains(told[rev], nameOf(i)+"/more")):
				t.Errorf("commit %d: Watch tells %v at revision %d", i, told[rev], rev)
			}
		}
	})
}

func nameOf(i int) string { return fmt.Sprintf("record/%03d", i) }

// keysByRevision returns the keys that Watch tells after a revision, up to another one.
func keysByRevision(t *testing.T, b store.Backend, after, end int64) map[int64][]string {
	t.Helper()
	told := map[int64][]string{}
	err := b.Watch(t.Context(), after, func(c store.Change) error {
		for _, key := range c.Keys {
			told[c.Rev] = append(told[c.Rev], string(key))
		}
		if c.Rev >= end {
			return errEnough
		}
		return nil
	})
	wantErr(t, err, errEnough)
	return told
}
