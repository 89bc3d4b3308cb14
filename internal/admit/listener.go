package admit

import (
	"container/list"
	"net"
	"sync"
)

// Newest bounds the connections of a listener. When there are more, the connection that has waited longest since its
// beginning, or since the server last wrote to it, is closed. So a stranger who holds all connections locks nobody out,
// and a client that sends its request at once gets its response.
func Newest(l net.Listener, most int) net.Listener {
	return &newest{Listener: l, most: most, waiting: list.New()}
}

type newest struct {
	net.Listener
	most    int
	mu      sync.Mutex
	waiting *list.List // of *waiter, the one that waits longest first
}

// Accept implements net.Listener.
func (l *newest) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w := &waiter{Conn: c, in: l}
	if longest := l.add(w); longest != nil {
		longest.Close()
	}
	return w, nil
}

// add adds a connection, and returns the connection that must make room for it, or nil.
func (l *newest) add(w *waiter) *waiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.place = l.waiting.PushBack(w)
	if l.waiting.Len() <= l.most {
		return nil
	}
	return l.waiting.Remove(l.waiting.Front()).(*waiter)
}

// A waiter is a connection of a newest.
type waiter struct {
	net.Conn
	in    *newest
	place *list.Element
}

// Write implements net.Conn.
func (w *waiter) Write(b []byte) (int, error) {
	w.in.mu.Lock()
	w.in.waiting.MoveToBack(w.place) // does nothing after Remove
	w.in.mu.Unlock()
	return w.Conn.Write(b)
}

// Close implements net.Conn.
func (w *waiter) Close() error {
	w.in.mu.Lock()
	w.in.waiting.Remove(w.place)
	w.in.mu.Unlock()
	return w.Conn.Close()
}
