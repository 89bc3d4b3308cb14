package admit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A crowd enters a Queue one by one and records who got a place.
type crowd struct {
	*testing.T
	enter   func(ctx context.Context, name string) error
	waiting func() int
	results chan string
}

func newCrowd(t *testing.T, q *Queue) *crowd {
	return &crowd{t, q.Enter, q.Waiting, make(chan string, 10_000)}
}

// join calls Enter in a goroutine, and returns when the call waits or has returned.
func (c *crowd) join(ctx context.Context, name string) {
	c.Helper()
	before, done := c.waiting(), make(chan struct{})
	go func() {
		err := c.enter(ctx, name)
		if err != nil {
			name += " " + err.Error()
		}
		c.results <- name
		close(done)
	}()
	for c.waiting() == before {
		select {
		case <-done:
			return
		default:
		}
	}
}

func (c *crowd) joinAll(names string) {
	c.Helper()
	for name := range strings.FieldsSeq(names) {
		c.join(c.Context(), name)
	}
}

func TestNamesTakeTurns(t *testing.T) {
	q := NewQueue(Bounds{Places: 1, PerName: 10, Total: 100})
	c := newCrowd(t, q)
	c.joinAll("root a1 a1 a1 b2 a1 b2 c3")
	var order []string
	for range 8 {
		order = append(order, <-c.results)
		q.Leave()
	}
	if got, want := strings.Join(order, " "), "root a1 b2 c3 a1 b2 a1 a1"; got != want {
		t.Errorf("served %s, want %s", got, want)
	}
	if q.Waiting() != 0 || len(q.lines) != 0 || q.busy != 0 {
		t.Errorf("the queue is not empty in the end: %+v", q)
	}
}

func TestFirstComeFirstServedWithinAName(t *testing.T) {
	q := NewQueue(Bounds{Places: 1, PerName: 100, Total: 100})
	c := newCrowd(t, q)
	c.enter = func(ctx context.Context, name string) error {
		err := q.Enter(ctx, "alice")
		return err
	}
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint(i))
		c.join(t.Context(), fmt.Sprint(i))
	}
	for i := range 50 {
		if got := <-c.results; got != want[i] {
			t.Fatalf("number %d is %s", i, got)
		}
		q.Leave()
	}
}

func TestNoMoreThanThePlaces(t *testing.T) {
	q := NewQueue(Bounds{Places: 3, PerName: 100, Total: 1000})
	var mu sync.Mutex
	var group sync.WaitGroup
	inside, most := 0, 0
	for i := range 200 {
		group.Go(func() {
			if err := q.Enter(t.Context(), fmt.Sprint(i%7)); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			inside++
			most = max(most, inside)
			mu.Unlock()
			mu.Lock()
			inside--
			mu.Unlock()
			q.Leave()
		})
	}
	group.Wait()
	if most > 3 || q.busy != 0 {
		t.Errorf("%d had places at once, %d places are occupied at the end", most, q.busy)
	}
}

func TestBoundsOfWaiters(t *testing.T) {
	q := NewQueue(Bounds{Places: 1, PerName: 3, Total: 5})
	c := newCrowd(t, q)
	c.joinAll("root a a a")
	<-c.results
	c.join(t.Context(), "a")
	if got, want := <-c.results, "a "+ErrFull.Error(); got != want {
		t.Fatalf("a fourth waiter of a name: %s, want %s", got, want)
	}
	c.joinAll("b b")
	go c.join(t.Context(), "c") // displaces a's last waiter
	if got, want := <-c.results, "a "+ErrFull.Error(); got != want {
		t.Fatalf("the full queue pushed out %s, want %s", got, want)
	}
	for !hasLine(q, "c") {
	}
	c.join(t.Context(), "b")
	if got, want := <-c.results, "b "+ErrFull.Error(); got != want {
		t.Fatalf("a name with as many waiters as the others: %s, want %s", got, want)
	}
	if n := q.Waiting(); n != 5 {
		t.Errorf("%d wait, want 5", n)
	}
}

func hasLine(q *Queue, name string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lines[name] != nil
}

func TestAWaiterThatGoesAwayTakesNoPlace(t *testing.T) {
	q := NewQueue(Bounds{Places: 1, PerName: 3, Total: 5})
	c := newCrowd(t, q)
	ctx, cancel := context.WithCancel(t.Context())
	c.joinAll("root a")
	<-c.results
	c.join(ctx, "b")
	c.join(ctx, "a")
	c.joinAll("c")
	cancel()
	gone := []string{<-c.results, <-c.results}
	slices.Sort(gone)
	if got, want := strings.Join(gone, ", "), "a context canceled, b context canceled"; got != want {
		t.Fatalf("gave up: %s, want %s", got, want)
	}
	q.Leave()
	first := <-c.results
	q.Leave()
	if second := <-c.results; first != "a" || second != "c" {
		t.Errorf("served %s, %s, want a, c", first, second)
	}
	if err := q.Enter(ctx, "d"); !errors.Is(err, context.Canceled) {
		t.Errorf("Enter with a context that has ended: %v", err)
	}
}

// A place that is assigned to a waiter that is leaving is not lost.
func TestNoPlaceIsLost(t *testing.T) {
	q := NewQueue(Bounds{Places: 2, PerName: 100, Total: 100})
	var group sync.WaitGroup
	for i := range 50 {
		group.Go(func() {
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				go cancel()
				if q.Enter(ctx, fmt.Sprint(i%5)) == nil {
					q.Leave()
				}
				cancel()
			}
		})
	}
	group.Wait()
	if q.busy != 0 || q.waiting != 0 || len(q.lines) != 0 || len(q.turns) != 0 {
		t.Errorf("at the end %d places are occupied, %d wait in %d lines", q.busy, q.waiting, len(q.lines))
	}
}

func TestQueuesAreApartAndForgotten(t *testing.T) {
	q := NewQueues(Bounds{Places: 1, PerName: 1, Total: 2})
	for _, thing := range []string{"key 1", "key 2"} {
		if err := q.Enter(t.Context(), thing, "alice"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Enter(ctx, "key 3", "alice"); err == nil || q.Len() != 2 {
		t.Fatalf("Enter: %v, %d things in use, want 2", err, q.Len())
	}
	second := make(chan error)
	go func() { second <- q.Enter(t.Context(), "key 1", "bob") }()
	q.mu.Lock()
	first := q.inUse["key 1"]
	q.mu.Unlock()
	for first.Waiting() == 0 {
	}
	q.Leave("key 1")
	if err := <-second; err != nil {
		t.Fatal(err)
	}
	q.Leave("key 1")
	q.Leave("key 2")
	if q.Len() != 0 {
		t.Errorf("%d things are in use in the end", q.Len())
	}
}
