package expiries

import "sync"

// A queue has the messages that wait for a hook, by account. Its places are shared fairly: when all are taken, the
// account with the most messages loses its newest one, and take serves the accounts in turn.
type queue struct {
	most int
	mu   sync.Mutex
	n    int
	of   map[string][]message // by account; none is empty
	turn []string             // the accounts in of, the next one first
	more chan struct{}        // has an element if there may be messages
}

func newQueue(most int) *queue {
	return &queue{most: most, of: map[string][]message{}, more: make(chan struct{}, 1)}
}

// add queues a message. If there is no place, it returns the message that was dropped.
func (q *queue) add(m message) (dropped message, full bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if full = q.n == q.most; full {
		largest := m.account
		for account, waiting := range q.of {
			if len(waiting) > len(q.of[largest])+1 {
				largest = account
			}
		}
		if largest == m.account {
			return m, true
		}
		last := len(q.of[largest]) - 1
		dropped, q.of[largest] = q.of[largest][last], q.of[largest][:last]
		q.n--
	}
	if len(q.of[m.account]) == 0 {
		q.turn = append(q.turn, m.account)
	}
	q.of[m.account] = append(q.of[m.account], m)
	q.n++
	select {
	case q.more <- struct{}{}:
	default:
	}
	return dropped, full
}

// take removes the oldest message of the account whose turn it is.
func (q *queue) take() (m message, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 {
		return m, false
	}
	account := q.turn[0]
	q.turn = q.turn[1:]
	waiting := q.of[account]
	m, q.of[account] = waiting[0], waiting[1:]
	if len(waiting) > 1 {
		q.turn = append(q.turn, account)
	} else {
		delete(q.of, account)
	}
	q.n--
	return m, true
}
