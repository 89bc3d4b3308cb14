package cluster

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// A link forwards TCP connections to a target. It can be cut, be silent in one direction or both, and delay.
type link struct {
	address  string
	target   string
	listener net.Listener

	mu    sync.Mutex
	cut   bool                  // connections are refused
	ways  [2]way                // to the target, and back
	conns map[net.Conn]struct{} // all ends
}

// A way is one direction of a link.
type way struct {
	held  chan struct{} // closed when bytes go on; nil unless bytes are held
	delay time.Duration
}

const (
	there = iota // the direction to the target
	back
)

// newLink returns a link to a target, and closes it when the test ends.
func newLink(t testing.TB, target string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &link{address: listener.Addr().String(), target: target, listener: listener, conns: map[net.Conn]struct{}{}}
	go l.accept()
	t.Cleanup(func() {
		listener.Close()
		l.heal(true)
	})
	return l
}

func (l *link) accept() {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.serve(c)
	}
}

func (l *link) serve(near net.Conn) {
	defer near.Close()
	if l.isCut() {
		return
	}
	far, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer far.Close()
	l.note(near, far)
	defer l.forget(near, far)
	var gone sync.WaitGroup
	gone.Go(func() { l.pump(there, far, near) })
	gone.Go(func() { l.pump(back, near, far) })
	gone.Wait()
}

// pump copies one direction of a connection.
func (l *link) pump(direction int, to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && l.pass(direction) {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits until bytes may go on. It reports whether the link is not cut.
func (l *link) pass(direction int) bool {
	l.mu.Lock()
	w := l.ways[direction]
	l.mu.Unlock()
	if w.held != nil {
		<-w.held
	}
	time.Sleep(w.delay)
	return !l.isCut()
}

func (l *link) isCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

func (l *link) note(ends ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range ends {
		l.conns[c] = struct{}{}
	}
}

func (l *link) forget(ends ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range ends {
		delete(l.conns, c)
	}
}

// sever closes all connections, and refuses new ones until heal.
func (l *link) sever() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	l.closeAll()
}

func (l *link) closeAll() {
	for c := range l.conns {
		c.Close()
	}
}

// hold holds the bytes of some directions until heal.
func (l *link) hold(directions ...int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range directions {
		if l.ways[d].held == nil {
			l.ways[d].held = make(chan struct{})
		}
	}
}

// slow delays the bytes of both directions until heal.
func (l *link) slow(by time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ways[there].delay, l.ways[back].delay = by, by
}

// heal ends all faults. The bytes that were held go on, unless they are lost, with their connections.
func (l *link) heal(lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lost {
		l.closeAll()
	}
	l.cut = false
	for i, w := range l.ways {
		if w.held != nil {
			close(w.held)
		}
		l.ways[i] = way{}
	}
}

// A link forwards, refuses, holds one direction, and goes on, with or without the bytes that it held.
func TestLink(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	got := make(chan string, 100)
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for b := make([]byte, 1); ; {
					if _, err := c.Read(b); err != nil {
						return
					}
					got <- string(b)
					c.Write(b)
				}
			}()
		}
	}()
	l := newLink(t, echo.Addr().String())
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.address)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(patience))
		return c
	}
	read := func(c net.Conn) error { _, err := io.ReadFull(c, make([]byte, 1)); return err }
	c := dial()
	defer c.Close()
	c.Write([]byte("1"))
	if err := read(c); err != nil || <-got != "1" {
		t.Fatalf("a link without a fault: %v", err)
	}
	l.hold(back)
	c.Write([]byte("2"))
	if <-got != "2" {
		t.Error("the other direction is held too")
	}
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if read(c) == nil {
		t.Error("the direction is not held")
	}
	c.SetDeadline(time.Now().Add(patience))
	l.heal(false)
	if err := read(c); err != nil {
		t.Errorf("the bytes do not go on: %v", err)
	}
	l.hold(there)
	c.Write([]byte("3"))
	time.Sleep(50 * time.Millisecond) // the link may have read it; it must not pass it on
	l.heal(true)
	if err := read(c); err == nil || len(got) > 0 {
		t.Error("the connection goes on")
	}
	l.sever()
	if err := read(dial()); err == nil {
		t.Error("a link that is cut")
	}
	l.heal(false)
	again := dial()
	defer again.Close()
	again.Write([]byte("4"))
	if err := read(again); err != nil || <-got != "4" {
		t.Errorf("after the cut: %v", err)
	}
}
