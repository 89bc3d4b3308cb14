package etcd

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// batchOf returns a Batch that checks and writes keys.
func batchOf(checks, writes []string) (b store.Batch) {
	for _, key := range checks {
		b.Checks = append(b.Checks, store.Check{Key: []byte(key)})
	}
	for _, key := range writes {
		b.Writes = append(b.Writes, store.Write{Key: []byte(key), Value: []byte("v")})
	}
	return b
}

// takeAll returns the numbers of the Batches of each transaction.
func takeAll(batches ...store.Batch) (taken string) {
	j := joiner{sending: 1}
	number := map[*joined]int{}
	for i, b := range batches {
		one := &joined{batch: b}
		number[one] = i
		j.waiting = append(j.waiting, one)
	}
	for all := j.take(); len(all) > 0; all = j.take() {
		var numbers []int
		for _, one := range all {
			numbers = append(numbers, number[one])
		}
		taken += fmt.Sprint(numbers)
	}
	return taken + fmt.Sprint(j.sending)
}

// Batches share a transaction if none checks or writes what one before it writes.
func TestTakeBatches(t *testing.T) {
	keys := func(keys ...string) []string { return keys }
	for _, c := range []struct {
		name    string
		batches []store.Batch
		want    string
	}{
		{"none", nil, "0"},
		{"others", []store.Batch{batchOf(keys("a"), keys("a")), batchOf(keys("b"), keys("b"))}, "[0 1]0"},
		{"the same check", []store.Batch{batchOf(keys("f"), keys("a")), batchOf(keys("f"), keys("b"))}, "[0 1]0"},
		{"the same write", []store.Batch{batchOf(nil, keys("a")), batchOf(nil, keys("a"))}, "[0][1]0"},
		{"a check of a write", []store.Batch{batchOf(nil, keys("a")), batchOf(keys("a"), keys("b"))}, "[0][1]0"},
		{"a write of a check", []store.Batch{batchOf(keys("a"), keys("b")), batchOf(nil, keys("a"))}, "[0 1]0"},
		{"crosswise", []store.Batch{batchOf(keys("a"), keys("b")), batchOf(keys("b"), keys("a"))}, "[0][1]0"},
		{"checks alone", []store.Batch{batchOf(nil, keys("a")), batchOf(keys("b"), nil), batchOf(nil, keys("c"))}, "[0 2][1]0"},
		{"checks alone first", []store.Batch{batchOf(keys("b"), nil), batchOf(nil, keys("a"))}, "[0][1]0"},
		{"one overtakes", []store.Batch{batchOf(nil, keys("a")), batchOf(nil, keys("a")), batchOf(nil, keys("b"))}, "[0 2][1]0"},
	} {
		if got := takeAll(c.batches...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// A transaction has at most 32 Batches, each of at most 96 checks and 96 writes, and 256 KiB.
func TestTakeLimits(t *testing.T) {
	sized := func(n, checks, writes, value int) (b store.Batch) {
		for i := range checks {
			b.Checks = append(b.Checks, store.Check{Key: fmt.Appendf(nil, "%06d-%03d", n, i)})
		}
		for i := range writes {
			b.Writes = append(b.Writes, store.Write{Key: fmt.Appendf(nil, "%06d-%03d", n, i), Value: bytes.Repeat([]byte("v"), value)})
		}
		return b
	}
	many := func(n, checks, writes, value int) (all []store.Batch) {
		for i := range n {
			all = append(all, sized(i, checks, writes, value))
		}
		return all
	}
	for _, c := range []struct {
		name    string
		batches []store.Batch
		want    string
	}{
		{"96 operations", many(2, 96, 96, 1), "[0 1]0"},
		{"97 checks", many(2, 97, 1, 1), "[0][1]0"},
		{"97 writes", many(2, 1, 97, 1), "[0][1]0"},
		{"few, then many", append(many(1, 1, 1, 1), sized(1, 1, 97, 1)), "[0][1]0"},
		{"256 KiB", many(2, 0, 1, 128<<10-10), "[0 1]0"},
		{"more than 256 KiB", many(2, 0, 1, 128<<10-9), "[0][1]0"},
		{"large, large, small", append(many(2, 0, 1, 200<<10), sized(2, 1, 1, 1)), "[0 2][1]0"},
	} {
		if got := takeAll(c.batches...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	first := takeAll(many(33, 1, 1, 1)...)
	if want := "[0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31][32]0"; first != want {
		t.Errorf("33 Batches: %s", first)
	}
}

// Two transactions are on their way at a time. A transaction that takes longer than 20 ms does not count.
func TestOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		var sent []time.Duration
		begun, hung := time.Now(), make(chan struct{})
		j := &joiner{send: func(all []*joined) {
			sizes, sent = append(sizes, len(all)), append(sent, time.Since(begun))
			if len(sizes) <= 3 {
				<-hung
			}
			for _, one := range all {
				close(one.done)
			}
		}}
		var ended atomic.Int64
		for i := range 7 {
			go func() {
				if _, err := j.commit(batchOf(nil, []string{fmt.Sprint(i)})); err != nil {
					t.Error(err)
				}
				ended.Add(1)
			}()
			synctest.Wait()
		}
		time.Sleep(overdue + time.Millisecond)
		synctest.Wait()
		if fmt.Sprint(sizes, sent) != "[1 1 5] [0s 0s 20ms]" || ended.Load() != 0 {
			t.Errorf("Batches of each transaction, and when it was sent: %v %v; %d have results", sizes, sent, ended.Load())
		}
		close(hung)
		synctest.Wait()
		if ended.Load() != 7 || j.sending != 0 {
			t.Errorf("%d Batches have results, and %d transactions are counted", ended.Load(), j.sending)
		}
	})
}
