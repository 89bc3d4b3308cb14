package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/keyhold/keyhold/internal/store"
)

// Batches that wait while a transaction is on its way share the next one, up to its limits, in their order.
func TestJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		sent := ""
		j := &joiner{send: func(all []*joined) {
			<-goOn
			sent += fmt.Sprint(len(all), " ")
			for i, one := range all {
				one.rev = int64(i)
			}
		}}
		one := func(size int) {
			go j.commit(t.Context(), store.Batch{Writes: []store.Write{{Key: []byte("a"), Value: make([]byte, size)}}})
			synctest.Wait()
		}
		for range 300 {
			one(1)
		}
		for range 3 {
			one(maxJoinedBytes / 2)
		}
		for range 7 {
			select {
			case goOn <- struct{}{}:
			default:
			}
			synctest.Wait()
		}
		if want := "1 256 43 1 1 1 "; sent != want && sent != "1 256 44 1 1 " {
			t.Errorf("sent %s, want %s", sent, want)
		}
		if j.sending || len(j.waiting) > 0 {
			t.Error("Batches still wait")
		}
	})
}

// The end of a context takes a Batch back that waits, and no Batch that is under way.
func TestTakeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		goOn := make(chan struct{})
		var sent [][]byte
		j := &joiner{send: func(all []*joined) {
			for _, one := range all {
				sent = append(sent, one.batch.Writes[0].Key)
			}
			<-goOn
		}}
		ctx, cancel := context.WithCancel(t.Context())
		errs := make([]error, 2)
		for i := range errs {
			go func() {
				_, errs[i] = j.commit(ctx, store.Batch{Writes: []store.Write{{Key: fmt.Append(nil, i)}}})
			}()
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		close(goOn)
		synctest.Wait()
		if errs[0] != nil || !errors.Is(errs[1], context.Canceled) {
			t.Errorf("got %v", errs)
		}
		if !bytes.Equal(bytes.Join(sent, nil), []byte("0")) {
			t.Errorf("sent %q", sent)
		}
	})
}

// Each Batch of a transaction sees what those before it have made, and has a revision of its own.
func TestApply(t *testing.T) {
	write := func(key, value string) store.Write {
		w := store.Write{Key: []byte(key)}
		if value != "" {
			w.Value = []byte(value)
		}
		return w
	}
	check := func(key string, rev int64) store.Check { return store.Check{Key: []byte(key), Rev: rev} }
	tx := transaction{history: history{head: change{rev: 10}}, found: map[string]int64{"a": 3}, made: map[string]version{}}
	for i, step := range []struct {
		check store.Check
		write []store.Write
		rev   int64
		err   error
	}{
		{check("a", 3), []store.Write{write("a", "1")}, 11, nil},
		{check("a", 3), []store.Write{write("a", "2")}, 0, store.ErrConflict},
		{check("a", 11), []store.Write{write("a", "")}, 12, nil},
		{check("a", 11), nil, 0, store.ErrConflict},
		{check("a", 0), nil, 12, nil},
		{check("a", 0), []store.Write{write("a", "3"), write("b", "")}, 13, nil},
		{check("b", 0), []store.Write{write("b", "4")}, 14, nil},
	} {
		one := &joined{batch: store.Batch{Checks: []store.Check{step.check}, Writes: step.write}}
		tx.apply(one)
		if one.rev != step.rev || !errors.Is(one.err, step.err) {
			t.Errorf("step %d: %d, %v", i, one.rev, one.err)
		}
	}
	if v := tx.made["a"]; v.rev != 13 || string(v.value) != "3" || len(tx.seen) != 4 {
		t.Errorf("%+v, %d changes", v, len(tx.seen))
	}
}
