package local

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/store"
)

// transactions returns the number of transactions that bbolt has committed.
func transactions(t *testing.T, db *DB) (n int) {
	t.Helper()
	if err := db.bolt.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// busy keeps the committer busy with a first batch until release is called, so that all other batches wait.
func busy(t *testing.T, db *DB) (first *request, release func()) {
	t.Helper()
	hold, err := db.bolt.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	first = &request{batch: put("first", "1"), done: make(chan struct{})}
	if err := db.queue.add(first); err != nil {
		t.Fatal(err)
	}
	until(db, 0)
	return first, func() { hold.Rollback() }
}

// until returns when n batches wait.
func until(db *DB, n int) {
	for waiting := -1; waiting != n; runtime.Gosched() {
		db.queue.mu.Lock()
		waiting = len(db.queue.waiting)
		db.queue.mu.Unlock()
	}
}

// together queues all batches in order while a first batch is being committed. It returns the results, beginning with
// the first batch.
func together(t *testing.T, db *DB, batches ...store.Batch) []request {
	t.Helper()
	answers := make([]request, 1+len(batches))
	var wg sync.WaitGroup
	first, release := busy(t, db)
	for i, b := range batches {
		wg.Go(func() { answers[1+i].rev, answers[1+i].err = db.Commit(t.Context(), b) })
		until(db, 1+i)
	}
	release()
	wg.Wait()
	<-first.done
	answers[0] = *first
	return answers
}

func TestCommitsAreJoined(t *testing.T) {
	db := open(t, t.TempDir())
	before := transactions(t, db)
	var batches []store.Batch
	for i := range maxJoin + 10 {
		batches = append(batches, put(fmt.Sprint(i), "x"))
	}
	for i, answer := range together(t, db, batches...) {
		if answer.err != nil || answer.rev != int64(i+1) {
			t.Errorf("batch %d: revision %d, %v", i, answer.rev, answer.err)
		}
	}
	if n := transactions(t, db) - before; n != 3 {
		t.Errorf("%d batches after a first took %d transactions, want 1, 1 of %d and 1 of the rest", len(batches), n, maxJoin)
	}
}

// Each joined batch sees the effect of those before it. If a check of one batch fails, only this batch is left
// out.
func TestJoinedBatchesSeeOneAnother(t *testing.T) {
	db := open(t, t.TempDir())
	batch := func(check string, at int64, write string, value []byte) store.Batch {
		return store.Batch{
			Checks: []store.Check{{Key: []byte(check), Rev: at}},
			Writes: []store.Write{{Key: []byte(write), Value: value}},
		}
	}
	before := transactions(t, db)
	answers := together(t, db,
		batch("a", 0, "a", []byte("1")),                                // 2
		batch("a", 0, "a", []byte("lost")),                             // conflict
		batch("a", 2, "a", nil),                                        // 3
		batch("a", 2, "b", []byte("lost")),                             // conflict
		batch("a", 0, "a", []byte("2")),                                // 4
		store.Batch{Checks: []store.Check{{Key: []byte("a"), Rev: 4}}}, // at 4
		batch("first", 1, "b", []byte("1")),                            // 5
	)
	for i, want := range []int64{1, 2, 0, 3, 0, 4, 4, 5} {
		conflict := errors.Is(answers[i].err, store.ErrConflict)
		if answers[i].rev != want || conflict != (want == 0) || !conflict && answers[i].err != nil {
			t.Errorf("batch %d: revision %d, %v; want %d", i, answers[i].rev, answers[i].err, want)
		}
	}
	if n := transactions(t, db) - before; n != 2 {
		t.Errorf("%d transactions", n)
	}
	want(t, db, "a", "2", 4, 5)
	want(t, db, "b", "1", 5, 5)
}

func TestConflictsAloneAreNotSynced(t *testing.T) {
	db := open(t, t.TempDir())
	mustPut(t, db, "a", "1")
	before := transactions(t, db)
	_, err := db.Commit(t.Context(), store.Batch{Checks: []store.Check{{Key: []byte("a")}}, Writes: put("a", "2").Writes})
	if !errors.Is(err, store.ErrConflict) || transactions(t, db) != before {
		t.Errorf("%v after %d transactions", err, transactions(t, db)-before)
	}
}

func TestCloseAnswersThoseThatWait(t *testing.T) {
	db := open(t, t.TempDir())
	first, release := busy(t, db)
	answer, done := make(chan error), make(chan error)
	go func() { _, err := db.Commit(t.Context(), put("a", "1")); answer <- err }()
	until(db, 1)
	go func() { done <- db.Close() }()
	if err := <-answer; !errors.Is(err, store.ErrClosed) {
		t.Errorf("the commit that waited: %v", err)
	}
	release()
	if <-first.done; first.err != nil {
		t.Errorf("the commit that had begun: %v", first.err)
	}
	if err := <-done; err != nil {
		t.Errorf("Close: %v", err)
	}
}

// One transaction has at most 256 batches. The others stay in the queue, in their order.
func TestJoinedBatchesHaveABound(t *testing.T) {
	q := newQueue()
	for range 600 {
		if err := q.add(&request{done: make(chan struct{})}); err != nil {
			t.Fatal(err)
		}
	}
	all := slices.Clone(q.waiting)
	for _, n := range []int{256, 256, 88} {
		if taken := q.take(); len(taken) != n || !slices.Equal(taken, all[:n]) {
			t.Errorf("%d batches are taken, want the next %d", len(taken), n)
		}
		all = all[n:]
	}
}
