package health

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func passes(context.Context) error { return nil }

func fails(text string) func(context.Context) error {
	return func(context.Context) error { return errors.New(text) }
}

func TestReports(t *testing.T) {
	for _, test := range []struct {
		name   string
		checks []Check
		state  string
		text   string
	}{
		{"no checks", nil, Ready, "ready\n"},
		{"all pass", []Check{{"store", passes, false}, {"custody", passes, true}}, Ready, "[+] store ok\n[+] custody ok\nready\n"},
		{"one degrades", []Check{{"store", passes, false}, {"custody", fails("gone"), true}}, Degraded,
			"[+] store ok\n[!] custody gone\ndegraded\n"},
		{"one fails", []Check{{"store", fails("two\nlines"), false}, {"custody", fails("gone"), true}}, NotReady,
			"[-] store two lines\n[!] custody gone\nnot ready\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := New(test.checks...).Run(t.Context())
			if r.State() != test.state || r.Text() != test.text {
				t.Errorf("%s:\n%s", r.State(), r.Text())
			}
			if r.Ready() != (test.state != NotReady) || r.Whole() != (test.state == Ready) {
				t.Errorf("ready %v, whole %v", r.Ready(), r.Whole())
			}
			a := r.Answer()
			if a.Status != test.state || len(a.Checks) != len(test.checks) {
				t.Errorf("%+v", a)
			}
			for i, one := range a.Checks {
				if (one.Reason == "") != (r[i].Err == nil) || one.Name != test.checks[i].Name {
					t.Errorf("%+v", one)
				}
			}
		})
	}
}

// A check that does not end is reported, and does not run twice.
func TestCheckWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		release := make(chan struct{})
		c := New(Check{Name: "store", Check: func(context.Context) error {
			runs.Add(1)
			<-release
			return nil
		}}, Check{Name: "disk", Check: passes})
		if want := []string{"store", "disk"}; !slices.Equal(c.Names(), want) {
			t.Errorf("names %q", c.Names())
		}
		begun := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				r := c.Run(t.Context())
				if r[0].Err == nil || !strings.Contains(r[0].Err.Error(), "has not ended for 2s") || r[1].Err != nil {
					t.Errorf("%+v", r)
				}
			})
		}
		all.Wait()
		if took := time.Since(begun); took != patience || runs.Load() != 1 {
			t.Errorf("%v, %d runs", took, runs.Load())
		}
		time.Sleep(time.Minute)
		if r := c.Run(t.Context()); r[0].Err == nil || !strings.Contains(r[0].Err.Error(), "has not ended for 1m2s") {
			t.Errorf("%+v", r)
		}
		close(release)
		synctest.Wait()
		if r := c.Run(t.Context()); !r.Whole() || runs.Load() != 2 {
			t.Errorf("%+v after %d runs", r, runs.Load())
		}
	})
}

// A caller that leaves does not end the check for others.
func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Check{Name: "store", Check: func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Second):
				return nil
			}
		}})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			time.Sleep(time.Millisecond)
			cancel()
		}()
		if r := c.Run(ctx); r.Whole() {
			t.Error("a caller that left got the result of a check that has not ended")
		}
		if r := c.Run(t.Context()); !r.Whole() {
			t.Errorf("%v", r[0].Err)
		}
	})
}
