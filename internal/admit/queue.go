package admit

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrFull is the error of Enter when too many wait already.
var ErrFull = errors.New("too many wait already")

// A Queue shares places for work between names. Names take turns; within a name,
// whoever came first is first. Its methods may be called concurrently.
type Queue struct {
	bounds Bounds

	mu      sync.Mutex
	busy    int // places that are taken
	waiting int // in all lines
	lines   map[string]*line
	turns   []*line // the names that wait, the next one first
}

// Bounds are those of a Queue.
type Bounds struct {
	Places  int // for work at the same time
	PerName int // waiters of one name
	Total   int // waiters of all names
}

type line struct {
	name    string
	waiters []chan error // each has room for one error; nil gives the place
}

// NewQueue returns a Queue with all places free.
func NewQueue(b Bounds) *Queue { return &Queue{bounds: b, lines: map[string]*line{}} }

// Enter waits for a place. After Enter has returned nil, the caller must call
// Leave once. Enter returns ErrFull when the bounds do not allow another waiter,
// and the error of the context when it ends first.
//
// In a Queue that is full, a name that has fewer waiters than another one takes the
// place of the other's last waiter. So nobody can fill the Queue for others.
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

// join takes a free place, or returns the channel on which the place comes.
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

// pushOut refuses the last waiter of the longest line, if this line has more than
// length waiters.
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

// quit withdraws a waiter. If the place came meanwhile, the next one gets it.
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

// Leave gives the place to the next waiter.
func (q *Queue) Leave() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.next()
}

// next gives a place that became free to the name whose turn it is. The name then
// goes to the end of the turns.
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
