package main

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An openLoad sends requests at a fixed rate until it is stopped, whether former requests were answered or not. The
// time of a request begins when the request is due. So a pause of the server makes all requests slow that are due
// meanwhile.
type openLoad struct {
	server *server
	every  time.Duration
	next   func(i int) (kind, operation string, in map[string]any, done func(answer []byte) error)

	stopped atomic.Bool
	senders sync.WaitGroup
	due     chan dueRequest

	mu     sync.Mutex
	kinds  map[string][]sentRequest
	failed error
}

type dueRequest struct {
	at time.Time
	i  int
}

type sentRequest struct {
	at   time.Time
	took time.Duration
}

// openSenders is the number of connections of an openLoad, and of requests that can be under way.
const openSenders = 256

// startOpen starts a load of so many requests a second. next returns the i-th request, the kind that its time counts
// for, and what to do with the answer, or nil.
func startOpen(s *server, rate int, next func(i int) (string, string, map[string]any, func([]byte) error)) *openLoad {
	l := &openLoad{server: s, every: time.Second / time.Duration(rate), next: next, kinds: map[string][]sentRequest{},
		due: make(chan dueRequest, 1_000_000)}
	for range openSenders {
		l.senders.Go(l.send)
	}
	l.senders.Go(func() {
		defer close(l.due)
		begun := time.Now()
		for i := 0; !l.stopped.Load(); i++ {
			at := begun.Add(time.Duration(i) * l.every)
			time.Sleep(time.Until(at))
			l.due <- dueRequest{at, i}
		}
	})
	return l
}

func (l *openLoad) send() {
	c, err := dial(l.server.addr)
	if err != nil {
		l.fail(err)
		return
	}
	defer c.Close()
	for d := range l.due {
		if err := l.sendOne(c, d); err != nil {
			l.fail(err)
			return
		}
	}
}

func (l *openLoad) sendOne(c *conn, d dueRequest) error {
	kind, operation, in, done := l.next(d.i)
	request, err := sign(l.server.addr, operation, in)
	if err != nil {
		return err
	}
	answer, err := c.do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	took := time.Since(d.at)
	l.mu.Lock()
	l.kinds[kind] = append(l.kinds[kind], sentRequest{d.at, took})
	l.mu.Unlock()
	if done == nil {
		return nil
	}
	return done(answer)
}

// fail notes an error, and stops the load.
func (l *openLoad) fail(err error) {
	l.mu.Lock()
	l.failed = errors.Join(l.failed, err)
	l.mu.Unlock()
	l.stopped.Store(true)
	for range l.due {
	}
}

// stop ends the load, and waits for its last answers.
func (l *openLoad) stop() error {
	l.stopped.Store(true)
	l.senders.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// A spread describes the times of requests that were due in an interval.
type spread struct {
	n        int
	rate     float64
	p50, p99 time.Duration
	slowest  time.Duration
}

func (s spread) String() string {
	return fmt.Sprintf("%7d requests, %5.0f /s   p50 %7.2f ms   p99 %7.2f ms   slowest %7.1f ms", s.n, s.rate, ms(s.p50),
		ms(s.p99), ms(s.slowest))
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// between returns the spread of a kind, or of all kinds if kind is "".
func (l *openLoad) between(kind string, from, to time.Time) (s spread) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var times []time.Duration
	for of, all := range l.kinds {
		if kind != "" && of != kind {
			continue
		}
		for _, r := range all {
			if !r.at.Before(from) && r.at.Before(to) {
				times = append(times, r.took)
			}
		}
	}
	if s.n = len(times); s.n == 0 {
		return s
	}
	slices.Sort(times)
	s.rate = float64(s.n) / to.Sub(from).Seconds()
	s.p50, s.p99, s.slowest = times[s.n/2], times[s.n*99/100], times[s.n-1]
	return s
}

// compare prints the times of the kinds before and while something happens, and the ratio of their p99.
func (l *openLoad) compare(what string, begun, from, to time.Time, kinds ...string) {
	for _, kind := range kinds {
		before, meanwhile := l.between(kind, begun, from), l.between(kind, from, to)
		name := kind
		if kind == "" {
			name = "all"
		}
		fmt.Printf("  %-9s before    %v\n  %-9s %-9s %v   p99 %.2f times\n", name, before, name, what, meanwhile,
			float64(meanwhile.p99)/float64(max(1, before.p99)))
	}
}
