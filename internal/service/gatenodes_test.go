package service

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A refusal that shows nothing takes as long on a shared store as elsewhere, also when the request reads the store.
func TestRefusalsOfNodesTakeTheirTime(t *testing.T) {
	inTwoNodes(t, func(n twoNodes) {
		n.a.user("bob")
		on := n.a.key()
		absent := on[:len(on)-36] + "00000000-0000-4000-8000-000000000000"
		times := map[time.Duration]bool{}
		for _, operation := range []string{"DescribeKey", "GetKeyPolicy", "ListGrants"} {
			for _, on := range []string{on, absent} {
				var ends []time.Duration // from the start of the request
				begun := time.Now()
				n.b.Service.pauseUntil = func(end time.Time) { ends = append(ends, end.Sub(begun)) }
				n.b.as("bob").mayNot(operation, on)
				if len(ends) == 0 || ends[len(ends)-1] < refusalTime || ends[len(ends)-1] >= refusalTime+maxExtraTime {
					n.b.Errorf("%s of %s: pauses until %v", operation, on, ends)
				} else {
					times[ends[len(ends)-1]] = true
				}
			}
		}
		if len(times) == 1 {
			n.b.Errorf("all refusals take the same time, %v", times)
		}
	})
}

// Open calls Protected once, when the audit log has its keys, and fails with the error of Protected.
func TestProtectedIsCalledOnce(t *testing.T) {
	for _, want := range []error{nil, errRead} {
		db, root := memory.New(), seal.NewEphemeralRoot()
		log, err := audit.Open(t.TempDir()+"/audit.log", audit.Options{})
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		s, err := Open(t.Context(), Config{
			Backend: db, Slots: memory.NewSlots(), Root: root, Create: true, Audit: log, Clock: NewClock(time.Now), Log: slog.New(slog.DiscardHandler),
			Protected: func(context.Context) error {
				if calls++; log.VerifierKey() == "" {
					t.Error("the log has no keys")
				}
				return want
			},
		})
		if !errors.Is(err, want) || calls != 1 {
			t.Errorf("%v after %d calls, want %v", err, calls, want)
		}
		if err == nil {
			err = s.Close()
		} else {
			err = nil
		}
		if err := errors.Join(log.Close(), err); err != nil {
			t.Error(err)
		}
	}
}

// due returns the error of its read, and the entries up to the second.
func TestDueEntries(t *testing.T) {
	c, d := newInterruptibleTest(t)
	now := time.Unix(2_000_000_000, 0)
	c.update(func(tx *store.Tx) (err error) {
		for _, at := range []time.Duration{-time.Hour, 0, time.Second} {
			err = errors.Join(err, records.Dues.Put(tx, records.DuePath(now.Add(at), "a/r/k"), struct{}{}))
		}
		return err
	})
	s := d.open(t).Service
	got, err := s.due(t.Context(), "", now)
	want := []string{records.DuePath(now.Add(-time.Hour), "a/r/k"), records.DuePath(now, "a/r/k")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	ctx := context.WithValue(t.Context(), interruptionKey{}, &interruption{at: 1, fn: func() {}, err: errRead})
	if got, err := s.due(ctx, "", now); !errors.Is(err, errRead) {
		t.Errorf("an index that cannot be read has %q, %v", got, err)
	}
}

// A question about a past request says why the request cannot be found in the audit log.
func TestPastRequestsThatCannotBeFound(t *testing.T) {
	path := t.TempDir() + "/audit.log"
	for _, test := range []struct {
		what, text string
		log        func() (*audit.Log, error)
		kind       key.Kind
		message    string
	}{
		{"no log", "", func() (*audit.Log, error) { return audit.New(audit.Discard{}, audit.Options{}), nil }, key.KindUnsupportedOperation, "This server keeps everything in memory"},
		{"a damaged line", "garbage\n", func() (*audit.Log, error) { return audit.Open(path, audit.Options{}) }, key.KindUnsupportedOperation, "which has a damaged line"},
	} {
		log, err := test.log()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := log.Close(); err != nil {
				t.Error(err)
			}
		})
		c := accessTest{people{t, openLike(t, func(c *Config) { c.Audit, c.DevAccount = log, homeAccount })}}
		if test.text != "" {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString(test.text)
			}
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		}
		kind, message := c.root().refusal("ExplainDecision", "", `{"RequestId":"01234567-89ab-4def-8123-456789abcdef"}`)
		if kind != test.kind || !strings.Contains(message, test.message) {
			t.Errorf("%s: %v, %q", test.what, kind, message)
		}
	}
}
