package main

import (
	"errors"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A faultLoad is a load on some keys, each with some workers. A key that has outlived several
// servers is replaced by a new one, because a short history is quick to check.
type faultLoad struct {
	folder  faultFolder
	workers int  // for each key
	create  int  // keys that are only created, for each server
	mayFail bool // the server may answer with status 500 or higher
	audit   *faultAudit
	slowest time.Duration // of all starts

	keys       []*faultKey     // under load
	made       []*faultKey     // only created
	unanswered map[string]bool // descriptions of keys whose creation got no response

	mu           sync.Mutex
	retired      map[*faultKey]faultState // the last state of keys that are no longer changed
	acknowledged []string
	operations   int
	open         int // changes under way at a kill
}

// faultLife is the number of servers that a key outlives before it is retired.
const faultLife = 8

func newFaultLoad(f faultFolder, keys int) *faultLoad {
	l := &faultLoad{folder: f, workers: 3, create: 5, audit: newFaultAudit(f.data), unanswered: map[string]bool{}, retired: map[*faultKey]faultState{}}
	for range keys {
		l.keys = append(l.keys, newFaultKey())
	}
	return l
}

func (l *faultLoad) start(t *testing.T) *faultServer {
	t.Helper()
	s, err := l.folder.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	l.slowest = max(l.slowest, s.took)
	return s
}

// run runs the workers of all keys until stop has ended the server, or the load on it.
func (l *faultLoad) run(t *testing.T, s *faultServer, stop func()) {
	t.Helper()
	each(t, l.keys, func(k *faultKey) error { return k.prepare(t.Context(), s) })
	var all sync.WaitGroup
	for _, k := range l.keys {
		for range l.workers {
			all.Go(func() {
				if failed := k.work(t.Context(), s); failed && !l.mayFail {
					t.Errorf("the server failed a request:\n%s", s.stderr)
				}
			})
		}
	}
	all.Go(func() { l.createKeys(t, s) })
	stop()
	all.Wait()
	for _, k := range l.keys {
		l.open += k.closeHistory()
	}
}

// createKeys creates keys that no worker changes, until there is no server to answer.
func (l *faultLoad) createKeys(t *testing.T, s *faultServer) {
	for range l.create {
		k := newFaultKey()
		if k.do(t.Context(), s, faultOp{name: "CreateKey"}); k.id == "" {
			l.open++
			l.unanswered[k.description] = true
			return
		}
		l.made = append(l.made, k)
	}
}

// inspect checks all keys after a start, and replaces the keys that are old enough.
func (l *faultLoad) inspect(t *testing.T, s *faultServer) {
	t.Helper()
	each(t, slices.Concat(l.keys, l.made), func(k *faultKey) error {
		if k.lived++; k.id == "" {
			return nil
		}
		return k.inspect(t.Context(), s)
	})
	old := slices.DeleteFunc(slices.Clone(l.keys), func(k *faultKey) bool { return k.lived < faultLife })
	for i, k := range l.keys {
		if k.lived >= faultLife {
			l.keys[i] = newFaultKey()
		}
	}
	l.retire(t, s, slices.Concat(old, l.made))
	l.made = nil
	l.count(t, l.keys)
}

// retire checks keys for the last time, and keeps their state.
func (l *faultLoad) retire(t *testing.T, s *faultServer, keys []*faultKey) {
	t.Helper()
	each(t, keys, func(k *faultKey) error {
		err := k.finish(t.Context(), s)
		state := k.currentState(t.Context(), s)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.operations += len(k.history)
		l.retired[k], k.history = state, nil
		return err
	})
	l.count(t, keys)
}

// count compares the audit log with the acknowledged changes.
func (l *faultLoad) count(t *testing.T, keys []*faultKey) {
	t.Helper()
	if err := l.audit.readNew(); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if err := l.audit.checkOnce(k.changes); err != nil {
			t.Error(err)
		}
		l.acknowledged = append(l.acknowledged, k.changes...)
		k.changes = nil
	}
}

// finish checks all keys that were ever created, and the folder.
func (l *faultLoad) finish(t *testing.T, s *faultServer) {
	t.Helper()
	l.retire(t, s, slices.DeleteFunc(l.keys, func(k *faultKey) bool { return k.id == "" }))
	ids := map[string]bool{}
	for k, state := range l.retired {
		ids[k.id] = true
		if now := k.currentState(t.Context(), s); now != state {
			t.Errorf("lost: key %s was %+v and is %+v", k.id, state, now)
		}
	}
	l.findUnknownKeys(t, s, ids)
	if err := l.audit.checkOnce(l.acknowledged); err != nil {
		t.Error(err)
	}
	if l.audit.broken > 0 {
		t.Errorf("%d lines of the audit log are not events", l.audit.broken)
	}
	err := s.end(syscall.SIGTERM)
	unnamed, unsound := l.folder.verify(t.Context())
	if err := errors.Join(err, unsound, l.folder.verifyLog(t.Context())); err != nil {
		t.Error(err)
	}
	if unnamed > l.open {
		t.Errorf("%d slots have no name, but only %d changes were under way at a kill", unnamed, l.open)
	}
}

// findUnknownKeys looks for keys that nobody created, and for keys that exist twice. A creation without a
// response makes at most one key.
func (l *faultLoad) findUnknownKeys(t *testing.T, s *faultServer, ids map[string]bool) {
	t.Helper()
	for in := map[string]any{}; in != nil; {
		page, err := s.call(t.Context(), "ListKeys", in)
		if err != nil || page.status != 200 {
			t.Fatalf("ListKeys: %v, %s", err, page.body)
		}
		all, _ := page.member("Keys").([]any)
		for _, entry := range all {
			id, _ := entry.(map[string]any)["KeyId"].(string)
			if ids[id] {
				delete(ids, id)
				continue
			}
			a, err := s.call(t.Context(), "DescribeKey", map[string]any{"KeyId": id})
			description, _ := a.member("KeyMetadata", "Description").(string)
			if !l.unanswered[description] {
				t.Errorf("no request created the key %s (%v, %s)", id, err, a.body)
			}
			delete(l.unanswered, description)
		}
		if in = nil; page.member("Truncated") == true {
			in = map[string]any{"Marker": page.member("NextMarker")}
		}
	}
	if len(ids) > 0 {
		t.Errorf("lost: %d keys are not in the list: %v", len(ids), ids)
	}
}
