package service

import (
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
)

// oneTurn returns a service that answers one large request at a time.
func oneTurn(t *testing.T) *Service {
	s := openForTest(t)
	s.expensive = newExpensive(1, nil)
	s.expensive.patience = time.Minute
	return s
}

// isFree reports whether another large request would be answered at once.
func isFree(t *testing.T, s *Service) bool {
	t.Helper()
	patience := s.expensive.patience
	defer func() { s.expensive.patience = patience }()
	s.expensive.patience = time.Millisecond
	turn := s.Queue(t.Context(), testCaller, largeBody)
	defer turn.End()
	return !turn.wasRefused()
}

func TestLargeRequestsTakeTurns(t *testing.T) {
	s := oneTurn(t)
	caller := func(name string) identity.Caller {
		return identity.Caller{Principal: identity.Principal{ARN: name}}
	}
	first := s.Queue(t.Context(), caller("mallory"), largeBody)
	if !first.lasts() || first.wasRefused() || isFree(t, s) {
		t.Fatal("a large request has no turn of its own")
	}
	if small := s.Queue(t.Context(), caller("bob"), largeBody-1); small != nil {
		t.Error("a small request waits for a turn")
	}
	served := make(chan string)
	join := func(name string) {
		before := s.expensive.policies.Waiting()
		go func() {
			turn := s.Queue(t.Context(), caller(name), largeBody)
			served <- name
			turn.End()
		}()
		for s.expensive.policies.Waiting() == before {
			time.Sleep(time.Millisecond)
		}
	}
	for _, name := range []string{"mallory", "mallory", "mallory", "bob"} {
		join(name)
	}
	first.End()
	first.End() // changes nothing
	if one, two := <-served, <-served; one != "mallory" || two != "bob" {
		t.Errorf("served %s, %s, want mallory, bob", one, two)
	}
	<-served
	<-served
	if !isFree(t, s) {
		t.Error("a turn is lost")
	}
}

// A large request uses its turn also for slow decisions.
func TestOneTurnForADecision(t *testing.T) {
	s := oneTurn(t)
	c := &call{Service: s, ctx: t.Context(), Request: Request{Turn: s.Queue(t.Context(), testCaller, largeBody)}}
	if err := c.compute(policies, func() error { return nil }); err != nil || !c.Turn.lasts() {
		t.Errorf("%v; the turn lasts: %v", err, c.Turn.lasts())
	}
	c.Turn.End()
	if err := c.compute(policies, func() error { return nil }); err != nil || !isFree(t, s) {
		t.Errorf("after the turn of the request: %v", err)
	}
}

// The turn of a large request ends before the operation runs, and before a refusal waits.
func TestTurnEndsBeforeARequestWaits(t *testing.T) {
	s := oneTurn(t)
	op, _ := s.Find("GenerateRandom")
	carriedOut := false
	op.run = func(c *call, in any) (any, error) {
		carriedOut = !c.Turn.lasts() && isFree(t, s)
		return nil, nil
	}
	turn := s.Queue(t.Context(), testCaller, largeBody)
	in := &api.GenerateRandomRequest{NumberOfBytes: new(int32(8))}
	if _, err := s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Turn: turn, Input: in}); err != nil || !carriedOut {
		t.Errorf("the turn lasts as the operation is carried out (%v)", err)
	}
	turn = s.Queue(t.Context(), testCaller, largeBody)
	c := &call{Service: s, ctx: t.Context(), begun: time.Now(), Request: Request{Turn: turn}}
	c.pause()
	if c.endPause(errRead); turn.lasts() || !isFree(t, s) {
		t.Error("the turn lasts as a refusal takes its time")
	}
}

// A watchedLog is a log that calls a function with everything that is written.
type watchedLog struct {
	audit.Discard
	wrote func(p []byte)
}

func (w watchedLog) Write(p []byte) (int, error) {
	w.wrote(p)
	return len(p), nil
}

// doLarge sends the gate a large request that is refused before the decision.
func doLarge(t *testing.T, s *Service, turn *Turn) (any, error) {
	op, _ := s.Find("GenerateRandom")
	in := &api.GenerateRandomRequest{NumberOfBytes: new(int32(-8))}
	return s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Turn: turn, Input: in})
}

// While the event of a large request is written, another large request has its turn. A large
// request that does not get its turn is throttled, with an event.
func TestEventsOfLargeRequests(t *testing.T) {
	var s *Service
	var written []byte
	free := 0
	log := audit.New(watchedLog{wrote: func(p []byte) {
		written = append(written, p...)
		if isFree(t, s) {
			free++
		}
	}}, audit.Options{})
	t.Cleanup(func() { log.Close() })
	s = openLike(t, func(c *Config) { c.Audit = log })
	s.expensive = newExpensive(1, nil)
	turn := s.Queue(t.Context(), testCaller, largeBody)
	if _, err := doLarge(t, s, turn); err == nil || isThrottled(err) || free != 1 || turn.lasts() {
		t.Errorf("%v; the next turn came %d times", err, free)
	}
	held := s.Queue(t.Context(), testCaller, largeBody)
	defer held.End()
	s.expensive.patience = time.Millisecond
	if out, err := doLarge(t, s, s.Queue(t.Context(), testCaller, largeBody)); out != nil || !isThrottled(err) {
		t.Errorf("%v, %v", out, err)
	}
	if !strings.Contains(string(written), `"errorCode":"ThrottlingException"`) {
		t.Errorf("there is no event of the throttled request in %s", written)
	}
}
