package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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

// quotaCounts count the records of the tables that have a Quota. The first creation of a record in a scope counts
// its records in the Backend. From then on, each commit of this Store updates the count. Every record that another
// Store writes in the scope raises the count, as if it was new; if the count then exceeds the quota, the records are
// counted again. So Stores that create records at the same time may together exceed a quota by the records that their
// feeds have not told yet.
type quotaCounts struct {
	quotas atomic.Pointer[map[string]Quota] // by table prefix; nil without quotas

	mu     sync.Mutex
	scopes map[string]*scopeCount // by prefix and scope
}

// A scopeCount is the number of records in one scope, including uncommitted ones.
type scopeCount struct {
	mu       sync.Mutex
	counted  bool
	rev      int64 // revision at which the records were counted
	n        int
	reserved int  // records in n whose commit is under way
	doubtful bool // n may be too high, because the outcome of a commit was not known

	raised atomic.Int64 // records that other Stores have written since the records were counted
}

// A countChange is a change of one scopeCount by one transaction.
type countChange struct {
	quota Quota
	scope string
	count *scopeCount
	by    int
}

// Limit sets the quotas of the Store. The first call must come before the first transaction. Later calls may change
// the limits at any time, but must name the same tables, because only their records are counted.
func (s *Store) Limit(quotas ...Quota) {
	all := map[string]Quota{}
	for _, q := range quotas {
		all[q.Prefix] = q
	}
	s.counts.quotas.Store(&all)
}

// scopeOf returns the Quota that applies to a path, and the scope of the path.
func (t *quotaCounts) scopeOf(path string) (q Quota, scope string, ok bool) {
	prefix, rest, _ := strings.Cut(path, "/")
	if quotas := t.quotas.Load(); quotas != nil {
		q, ok = (*quotas)[prefix]
	}
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

func (t *quotaCounts) of(q Quota, scope string) *scopeCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.scopes == nil {
		t.scopes = map[string]*scopeCount{}
	}
	key := q.Prefix + "/" + scope
	if t.scopes[key] == nil {
		t.scopes[key] = &scopeCount{}
	}
	return t.scopes[key]
}

// changesOf returns the changes of counts by one run of a transaction. It looks up records that the transaction
// deletes without having read them.
func (t *quotaCounts) changesOf(tx *Tx) (all []countChange, err error) {
	if quotas := t.quotas.Load(); quotas == nil || len(*quotas) == 0 {
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
			all = append(all, countChange{q, scope, t.of(q, scope), by})
		}
	}
	return mergeChanges(all), nil
}

// existed reports whether the record existed before the transaction.
func (tx *Tx) existed(path string) (bool, error) {
	if rev, read := tx.read[path]; read {
		return rev != 0, nil
	}
	item, err := tx.item(path)
	if err == nil && tx.kept.isSource() {
		tx.read[path] = item.Rev // memory can be older than the Backend
	}
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

// mergeChanges combines the changes of each count into one.
func mergeChanges(all []countChange) (out []countChange) {
	at := map[*scopeCount]int{}
	for _, one := range all {
		i, seen := at[one.count]
		if !seen {
			at[one.count] = len(out)
			out = append(out, one)
			continue
		}
		out[i].by += one.by
	}
	return out
}

// reserve adds the changes that create records to their counts, or none of them if one exceeds its quota.
func (s *Store) reserve(ctx context.Context, changes []countChange) error {
	for i, one := range changes {
		if one.by <= 0 {
			continue
		}
		if err := s.reserveOne(ctx, one); err != nil {
			release(changes[:i])
			return err
		}
	}
	return nil
}

func (s *Store) reserveOne(ctx context.Context, one countChange) error {
	one.count.mu.Lock()
	defer one.count.mu.Unlock()
	if err := s.count(ctx, one.count, one.quota, one.scope); err != nil {
		return err
	}
	raised := one.count.raised.Load()
	if raised > 0 && one.count.n+int(raised)+one.by > one.quota.Limit {
		if err := s.countNow(ctx, one.count, one.quota, one.scope); err != nil {
			return err
		}
		raised = one.count.raised.Load()
	}
	if one.count.n+int(raised)+one.by > one.quota.Limit {
		return &QuotaError{one.quota, strings.TrimSuffix(one.scope, "/")}
	}
	one.count.n += one.by
	one.count.reserved += one.by
	return nil
}

// release undoes reserve.
func release(changes []countChange) {
	for _, one := range changes {
		if one.by > 0 {
			one.count.mu.Lock()
			one.count.n -= one.by
			one.count.reserved -= one.by
			one.count.mu.Unlock()
		}
	}
}

// finish ends the reservation of a commit at revision rev, and subtracts the records that it deleted. A count
// that was made at this revision or later already excludes them.
func finish(changes []countChange, rev int64) {
	for _, one := range changes {
		one.count.mu.Lock()
		switch {
		case one.by > 0:
			one.count.reserved -= one.by
		case one.count.counted && rev > one.count.rev:
			one.count.n += one.by
		}
		one.count.mu.Unlock()
	}
}

// countAgain ends the reservation of a commit whose outcome was not known. The next reservation counts the
// records again, unless another commit that creates records is under way.
func countAgain(changes []countChange) {
	for _, one := range changes {
		one.count.mu.Lock()
		one.count.reserved -= max(one.by, 0)
		one.count.doubtful = true
		one.count.mu.Unlock()
	}
}

// countPage is the number of records that are read at a time for counting.
const countPage = 1000

// count counts the records of a scope, unless t has them. The caller holds t.mu.
func (s *Store) count(ctx context.Context, t *scopeCount, q Quota, scope string) error {
	if t.counted && !(t.doubtful && t.reserved == 0) {
		return nil
	}
	return s.countNow(ctx, t, q, scope)
}

// countNow counts the records of a scope. It does not open values. Reserved records, some of which may be committed
// already, count too. The caller holds t.mu.
func (s *Store) countNow(ctx context.Context, t *scopeCount, q Quota, scope string) error {
	raised := t.raised.Swap(0)
	err := s.View(ctx, func(v *View) error {
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
		t.counted, t.doubtful, t.rev, t.n = true, t.reserved > 0, v.Rev(), n+t.reserved
		return nil
	})
	if err != nil {
		t.raised.Add(raised)
	}
	return err
}

// raise raises the counts of the scopes in which another Store has written records.
func (t *quotaCounts) raise(paths []string) {
	for _, path := range paths {
		q, scope, ok := t.scopeOf(path)
		if !ok {
			continue
		}
		t.mu.Lock()
		count := t.scopes[q.Prefix+"/"+scope]
		t.mu.Unlock()
		if count != nil {
			count.raised.Add(1)
		}
	}
}

// unbounded is more than any Quota.
const unbounded = 1 << 40

// forget makes the next reservation in each scope count its records again.
func (t *quotaCounts) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, count := range t.scopes {
		count.raised.Store(unbounded)
	}
}

// Room returns a [QuotaError] if there is no room for another record in the scope of path. Transactions whose
// preparation is expensive call it first.
func (t Table[T]) Room(ctx context.Context, s *Store, path string) error {
	key, err := t.key(path)
	if err != nil {
		return err
	}
	q, scope, ok := s.counts.scopeOf(key)
	if !ok {
		return nil
	}
	one := []countChange{{q, scope, s.counts.of(q, scope), 1}}
	if err := s.reserve(ctx, one); err != nil {
		return err
	}
	release(one)
	return nil
}
