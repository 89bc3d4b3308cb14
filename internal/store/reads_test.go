package store_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// newest returns the newest revision that Reads report for a read.
func (p *pair) newest(read func(v *store.View) error) int64 {
	p.Helper()
	var r store.Reads
	err := p.b.View(p.Context(), func(v *store.View) error {
		v.Record(&r)
		return read(v)
	})
	rev, err2 := p.b.NewestOf(p.Context(), r)
	if err := errors.Join(err, err2); err != nil {
		p.Error(err)
	}
	return rev
}

// Reads report the last change of a record or range that was read, present or absent, and no other change.
func TestReads(t *testing.T) {
	inPair(t, func(p *pair) {
		get := func(path string) func(v *store.View) error {
			return func(v *store.View) error { _, _, err := people().Get(v, path); return err }
		}
		scan := func(under string) func(v *store.View) error {
			return func(v *store.View) error { _, err := people().Scan(v, under, "", 10); return err }
		}
		start := p.newest(get("b/1"))
		p.put("a/1", 2)
		put := p.a.Revision()
		p.put("a/2", 2)
		second := p.a.Revision()
		err := p.a.Update(p.Context(), func(tx *store.Tx) error { return people().Delete(tx, "a/2") })
		deleted := p.a.Revision()
		if err != nil || start >= put {
			t.Error(start, put, err)
		}
		for name, test := range map[string]struct {
			read func(v *store.View) error
			want int64
		}{
			"present": {get("a/1"), put}, "deleted": {get("a/2"), deleted}, "never there": {get("b/1"), start},
			"its range": {scan("a/"), deleted}, "another range": {scan("b/"), start}, "all": {scan(""), deleted},
		} {
			if got := p.newest(test.read); got != test.want {
				t.Errorf("%s: changed at %d, want %d (%d, %d, %d)", name, got, test.want, put, second, deleted)
			}
		}

		var r store.Reads
		p.faults.SilenceWatches(true)
		p.put("a/3", 1)
		err = p.b.Update(p.Context(), func(tx *store.Tx) error {
			tx.Record(&r)
			_, _, err := people().Get(tx, "a/2")
			return err
		})
		ctx, cancel := context.WithTimeout(p.Context(), 100*time.Millisecond)
		defer cancel()
		if _, waits := p.b.NewestOf(ctx, r); err != nil || !r.HasGaps() || !errors.Is(waits, context.DeadlineExceeded) {
			t.Errorf("did not wait for the feed: %v, %v", err, waits)
		}
		p.faults.SilenceWatches(false)
		synctest.Wait()
		p.put("a/2", 3) // the transaction, for example, creates what it found absent
		synctest.Wait()
		if rev, err := p.b.NewestOf(p.Context(), r); err != nil || rev != deleted {
			t.Errorf("absent since %d, want %d: %v", rev, deleted, err)
		}
	})
}

// A revision is older than a time only if a View has shown it before.
func TestCommittedBefore(t *testing.T) {
	inPair(t, func(p *pair) {
		p.wait(2 * time.Second)
		old := p.a.Revision()
		p.put("a/1", 2)
		p.wait(time.Second)
		if got := p.b.CommittedBefore(time.Now().Add(-1250 * time.Millisecond)); got != old {
			t.Errorf("a second after revision %d: %d", old+1, got)
		}
		p.wait(time.Second)
		if got := p.b.CommittedBefore(time.Now().Add(-1250 * time.Millisecond)); got <= old {
			t.Errorf("two seconds after revision %d: %d", old+1, got)
		}
		if got := p.b.CommittedBefore(time.Now().Add(-time.Hour)); got != 0 {
			t.Errorf("an hour ago: %d", got)
		}
	})
}
