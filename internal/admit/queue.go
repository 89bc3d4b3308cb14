package admit

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrFull is returned by Enter when too many callers are waiting already.
var ErrFull = errors.New("too many callers are waiting")

// A Queue shares places for work between names. Names take turns; the waiters of one name are served in order
// of arrival. The methods may be called concurrently.
type Queue struct {
	bounds Bounds

	mu      sync.Mutex
	busy    int // number of occupied places
	waiting int // number of waiters in all lines
	lines   map[string]*line
	turns   []*line // lines with waiters, in the order of their turns
}

// Bounds limit a Queue.
type Bounds struct {
	Places  int // number of concurrent workers
	PerName int // maximum number of waiters with the same name
	Total   int // maximum number of waiters
}

type line struct {
	name    string
	waiters []chan error // each has a buffer for one error; nil assigns the place
}

// NewQueue returns an empty Queue.
func NewQueue(b Bounds) *Queue { return &Queue{bounds: b, lines: map[string]*line{}} }

// Enter waits for a place. After it has returned nil, the caller must call Leave once. Enter returns ErrFull if
// the bounds do not allow another waiter, and the error of ctx if ctx ends first.
//
// In a full Queue, a name with fewer waiters than another name displaces the last waiter of the longest line.
// Therefore one name cannot fill the Queue.
func (q *Queue) Enter(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ready, err := q.join(name)
	if ready == nil {
		return err
	}
	select {
	case err := <-ready:
		return err
	case <-ctx.Done():
		return q.quit(name, ready, ctx.Err())
	}
}

// join takes a free place, or returns the channel that will assign one.
func (q *Queue) join(name string) (chan error, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy < q.bounds.Places {
		q.busy++
		return nil, nil
	}
	l := q.lines[name]
	length := 0
	if l != nil {
		length = len(l.waiters)
	}
	if length >= q.bounds.PerName || q.waiting >= q.bounds.Total && !q.pushOut(length+1) {
		return nil, ErrFull
	}
	if l == nil {
		l = &line{name: name}
		q.lines[name] = l
		q.turns = append(q.turns, l)
	}
	ready := make(chan error, 1)
	l.waiters = append(l.waiters, ready)
	q.waiting++
	return ready, nil
}

// pushOut displaces the last waiter of the longest line if this line has more than length waiters. It reports
// whether it did.
func (q *Queue) pushOut(length int) bool {
	if len(q.turns) == 0 {
		return false
	}
	longest := slices.MaxFunc(q.turns, func(a, b *line) int { return len(a.waiters) - len(b.waiters) })
	last := len(longest.waiters) - 1
	if last+1 <= length {
		return false
	}
	longest.waiters[last] <- ErrFull
	longest.waiters = longest.waiters[:last]
	q.waiting--
	return true
}

// quit removes a waiter. If the waiter was given a place in the meantime, the next waiter gets it.
func (q *Queue) quit(name string, ready chan error, cause error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case err := <-ready:
		if err == nil {
			q.next()
		}
		return cause
	default:
	}
	l := q.lines[name]
	l.waiters = slices.DeleteFunc(l.waiters, func(w chan error) bool { return w == ready })
	q.waiting--
	if len(l.waiters) == 0 {
		delete(q.lines, name)
		q.turns = slices.DeleteFunc(q.turns, func(other *line) bool { return other == l })
	}
	return cause
}

// Leave passes the place on to the next waiter.
func (q *Queue) Leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next()
}

// next gives a free place to the first line in turn, and moves this line to the end of the turns.
func (q *Queue) next() {
	if len(q.turns) == 0 {
		q.busy--
		return
	}
	l := q.turns[0]
	q.turns = q.turns[1:]
	l.waiters[0] <- nil
	l.waiters = l.waiters[1:]
	q.waiting--
	if len(l.waiters) > 0 {
		q.turns = append(q.turns, l)
	} else {
		delete(q.lines, l.name)
	}
}

// Waiting returns the number of waiters.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.waiting
}
