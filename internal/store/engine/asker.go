package engine

import (
	"context"
	"sync"
)

// An Asker asks one question after the other. Callers that come while a question is on its way share the next
// question, so the number of callers does not matter to the engine. The zero value with Question set is ready.
type Asker[T any] struct {
	// Question is asked in a goroutine of its own, never twice at a time. No context of a caller ends it.
	Question func() (T, error)

	mu   sync.Mutex
	busy bool         // a question is on its way
	next *question[T] // has not been asked; nil if nobody waits for it
}

// A question has an answer when done is closed.
type question[T any] struct {
	done   chan struct{}
	answer T
	err    error
}

// Ask returns the answer to a question that is asked after the call begins.
func (a *Asker[T]) Ask(ctx context.Context) (answer T, err error) {
	q := a.join()
	select {
	case <-q.done:
		return q.answer, q.err
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// join returns a question that was not asked before the call.
func (a *Asker[T]) join() *question[T] {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = &question[T]{done: make(chan struct{})}
	}
	if !a.busy {
		a.busy = true
		go a.askAll()
	}
	return a.next
}

// askAll asks one question after the other, until nobody waits for one.
func (a *Asker[T]) askAll() {
	for {
		a.mu.Lock()
		q := a.next
		a.next, a.busy = nil, q != nil
		a.mu.Unlock()
		if q == nil {
			return
		}
		q.answer, q.err = a.Question()
		close(q.done)
	}
}
