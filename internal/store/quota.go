package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// A Quota limits the number of records of a table in each scope.
type Quota struct {
	Name   string
	Prefix string // prefix of the table
	Depth  int    // number of path segments that form the scope of a record
	Limit  int
}

// A QuotaError means that a transaction would have created more records than a Quota allows. Nothing was
// committed.
type QuotaError struct {
	Quota Quota
	Scope string // segments separated by slashes
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("store: the quota of %d %s in %q is used up", e.Quota.Limit, e.Quota.Name, e.Scope)
}

// tallies count the records of the tables that have a Quota. The first creation of a record in a scope counts
// its records in the Backend. From then on, each commit of this Store updates the count. The counts are correct
// only if this Store makes all commits to the Backend.
type tallies struct {
	quotas map[string]Quota // by table prefix

	mu     sync.Mutex
	scopes map[string]*tally // by prefix and scope
}

// A tally is the number of records in one scope, including uncommitted ones.
type tally struct {
	mu       sync.Mutex
	counted  bool
	rev      int64 // revision at which the records were counted
	n        int
	reserved int  // records in n whose commit is under way
	doubtful bool // n may be too high, because the outcome of a commit was not known
}

// A step is the change of one tally by one transaction.
type step struct {
	quota Quota
	scope string
	tally *tally
	by    int
}

// Limit sets the quotas of the Store. It must be called before the first transaction.
func (s *Store) Limit(quotas ...Quota) {
	s.tallies.quotas, s.tallies.scopes = map[string]Quota{}, map[string]*tally{}
	for _, q := range quotas {
		s.tallies.quotas[q.Prefix] = q
	}
}

// scopeOf returns the Quota that applies to a path, and the scope of the path.
func (t *tallies) scopeOf(path string) (q Quota, scope string, ok bool) {
	prefix, rest, _ := strings.Cut(path, "/")
	q, ok = t.quotas[prefix]
	end := 0
	for range q.Depth {
		i := strings.IndexByte(rest[end:], '/')
		if i < 0 {
			return q, "", false
		}
		end += i + 1
	}
	return q, rest[:end], ok
}

func (t *tallies) tally(q Quota, scope string) *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := q.Prefix + "/" + scope
	if t.scopes[key] == nil {
		t.scopes[key] = &tally{}
	}
	return t.scopes[key]
}

// changesOf returns the changes of tallies by one run of a transaction. It looks up records that the transaction
// deletes without having read them.
func (t *tallies) changesOf(tx *Tx) (all []step, err error) {
	if len(t.quotas) == 0 {
		return nil, nil
	}
	for path, plain := range tx.written {
		q, scope, ok := t.scopeOf(path)
		if !ok {
			continue
		}
		was, err := tx.existed(path)
		if err != nil {
			return nil, err
		}
		if by := recordDelta(was, plain != nil); by != 0 {
			all = append(all, step{q, scope, t.tally(q, scope), by})
		}
	}
	return mergeSteps(all), nil
}

// existed reports whether the record existed before the transaction.
func (tx *Tx) existed(path string) (bool, error) {
	if rev, read := tx.read[path]; read {
		return rev != 0, nil
	}
	item, err := tx.view.reader.Get([]byte(path))
	return item.Rev != 0, err
}

func recordDelta(was, is bool) int {
	switch {
	case was == is:
		return 0
	case is:
		return 1
	}
	return -1
}

// mergeSteps combines the steps of each tally into one.
func mergeSteps(all []step) (out []step) {
	at := map[*tally]int{}
	for _, one := range all {
		i, seen := at[one.tally]
		if !seen {
			at[one.tally] = len(out)
			out = append(out, one)
			continue
		}
		out[i].by += one.by
	}
	return out
}

// reserve adds the steps that create records to their tallies, or none of them if one exceeds its quota.
func (s *Store) reserve(ctx context.Context, steps []step) error {
	for i, one := range steps {
		if one.by <= 0 {
			continue
		}
		if err := s.reserveOne(ctx, one); err != nil {
			giveBack(steps[:i])
			return err
		}
	}
	return nil
}

func (s *Store) reserveOne(ctx context.Context, one step) error {
	one.tally.mu.Lock()
	defer one.tally.mu.Unlock()
	if err := s.count(ctx, one.tally, one.quota, one.scope); err != nil {
		return err
	}
	if one.tally.n+one.by > one.quota.Limit {
		return &QuotaError{one.quota, strings.TrimSuffix(one.scope, "/")}
	}
	one.tally.n += one.by
	one.tally.reserved += one.by
	return nil
}

// giveBack undoes reserve.
func giveBack(steps []step) {
	for _, one := range steps {
		if one.by > 0 {
			one.tally.mu.Lock()
			one.tally.n -= one.by
			one.tally.reserved -= one.by
			one.tally.mu.Unlock()
		}
	}
}

// finish ends the reservation of a commit at revision rev, and subtracts the records that it deleted. A tally
// that was counted at this revision or later already excludes them.
func finish(steps []step, rev int64) {
	for _, one := range steps {
		one.tally.mu.Lock()
		switch {
		case one.by > 0:
			one.tally.reserved -= one.by
		case one.tally.counted && rev > one.tally.rev:
			one.tally.n += one.by
		}
		one.tally.mu.Unlock()
	}
}

// countAgain ends the reservation of a commit whose outcome was not known. The next reservation counts the
// records again, unless another commit that creates records is under way.
func countAgain(steps []step) {
	for _, one := range steps {
		one.tally.mu.Lock()
		one.tally.reserved -= max(one.by, 0)
		one.tally.doubtful = true
		one.tally.mu.Unlock()
	}
}

// countPage is the number of records that are read at a time for counting.
const countPage = 1000

// count counts the records of a scope, unless the tally has them. It does not open values. The caller holds
// t.mu.
func (s *Store) count(ctx context.Context, t *tally, q Quota, scope string) error {
	if t.counted && !(t.doubtful && t.reserved == 0) {
		return nil
	}
	return s.View(ctx, func(v *View) error {
		n := 0
		root := q.Prefix + "/" + scope
		for from := []byte(root); ; {
			page, err := v.reader.Scan(from, []byte(end(root)), countPage)
			if err != nil {
				return err
			}
			if n += len(page); len(page) < countPage {
				break
			}
			from = append(page[len(page)-1].Key, 0)
		}
		t.counted, t.doubtful, t.rev, t.n = true, false, v.Rev(), n
		return nil
	})
}

// Room returns a [QuotaError] if there is no room for another record in the scope of path. Transactions whose
// preparation is expensive call it first.
func (t Table[T]) Room(ctx context.Context, s *Store, path string) error {
	key, err := t.key(path)
	if err != nil {
		return err
	}
	q, scope, ok := s.tallies.scopeOf(key)
	if !ok {
		return nil
	}
	one := []step{{q, scope, s.tallies.tally(q, scope), 1}}
	if err := s.reserve(ctx, one); err != nil {
		return err
	}
	giveBack(one)
	return nil
}
