package conns

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const one, two = "192.0.2.1", "192.0.2.2"

// At the limit, the connection that has waited longest is closed, even if it has sent part of a request.
func TestOldestGoesFirst(t *testing.T) {
	f := newFixture(t, Config{Max: 3})
	a, rawA := f.say(one, "POST / HTT")
	_, rawB := f.come(one)
	_, rawC := f.come(one)
	open(t, "abc", rawA, rawB, rawC)
	f.answerNext(a)
	f.await(a, 1) // the first bytes of a request do not count as progress
	_, rawD := f.come(one)
	open(t, "acd", rawA, rawB, rawC, rawD)
	_, rawE := f.come(one)
	open(t, "ade", rawA, rawB, rawC, rawD, rawE)
	_, rawF := f.come(one)
	open(t, "def", rawA, rawB, rawC, rawD, rawE, rawF)
	if len(f.conns) != 3 {
		t.Errorf("%d connections, want 3", len(f.conns))
	}
}

// A connection that is being answered is never closed. If all are, the new connection is closed.
func TestAnsweringStays(t *testing.T) {
	f := newFixture(t, Config{Max: 2})
	a, rawA := f.come(one)
	b, rawB := f.come(one)
	f.serve(a)
	f.serve(b)
	c, rawC := f.come(one)
	if c != nil {
		t.Error("a third was admitted")
	}
	open(t, "ab", rawA, rawB, rawC)
	f.await(b, 1)
	if c, _ := f.come(one); c == nil {
		t.Error("none was admitted after b was answered")
	}
	open(t, "a", rawA, rawB)
	if b.Begin() {
		t.Error("a request begins on a connection that has ended")
	}
	if a.Done(); !a.Begin() {
		t.Error("the next request that has come already does not begin")
	}
}

// A connection becomes idle after a while if its client does not read the answer.
func TestStalledWriter(t *testing.T) {
	f := newFixture(t, Config{Max: 1})
	a, rawA := f.come(one)
	f.answer(a)
	a.since.Store(f.now.UnixNano())
	a.state.Store(writing) // as during a Write that does not return
	if c, _ := f.come(one); c != nil {
		t.Error("the answer had no time")
	}
	f.now = f.now.Add(stalled)
	if c, _ := f.come(one); c == nil {
		t.Error("the connection is not idle")
	}
	open(t, "", rawA)
}

// A connection that is being closed makes room, and is removed from the table.
func TestClose(t *testing.T) {
	f := newFixture(t, Config{Max: 2})
	a, rawA := f.come(one)
	b, rawB := f.come(one)
	f.answer(a)
	a.Close()
	b.state.Store(closing) // as during a Close that does not return
	if len(f.conns) != 1 {
		t.Errorf("%d connections, want 1", len(f.conns))
	}
	f.come(one)
	f.come(one)
	open(t, "", rawA, rawB)
	f.Table.Close()
	if c, raw := f.come(one); c != nil || !raw.isClosed() {
		t.Error("a connection was admitted after the end")
	}
}

// Connections of clients with credentials are closed last. Among the others, addresses with many connections
// come first.
func TestOrder(t *testing.T) {
	for _, c := range []struct{ name, come, want string }{
		{"by age", "a:1:s b:2:s c:3:s", "abc"},
		{"strangers alone", "a:1:k b:2:s c:3:k", "b"},
		{"others without strangers", "a:1:k b:2:k", "ab"},
		{"of the larger crowd", "a:9:s b:1:s c:1:s d:1:s", "bcad"},
		{"of two crowds in turn", "a:1:s b:2:s c:1:s d:2:s", "abcd"},
		{"of no group", "a:-:s b:-:s c:2:s d:-:s", "abcd"},
	} {
		crowds := map[netip.Addr]int{}
		var all []candidate
		for i, text := range strings.Fields(c.come) {
			f := strings.Split(text, ":")
			k := candidate{since: int64(i), stranger: f[2] == "s", conn: &Conn{read: int(f[0][0])}}
			if f[1] != "-" {
				k.group = netip.MustParseAddr("192.0.2." + f[1])
				crowds[k.group]++
			}
			all = append(all, k)
		}
		slices.Reverse(all)
		var got string
		for _, k := range inOrder(all, crowds) {
			got += string(rune(k.conn.read))
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// While there is room, one address may have all connections.
func TestCrowdWithoutPressure(t *testing.T) {
	f := newFixture(t, Config{Max: 100})
	for range 100 {
		if c, _ := f.come(one); c == nil {
			t.Fatal("refused")
		}
	}
	_, honest := f.come(two)
	var crowd []*fake
	for range 200 {
		_, raw := f.come(one)
		crowd = append(crowd, raw)
	}
	if honest.isClosed() || !crowd[0].isClosed() || len(f.conns) != 100 || len(f.next) > 7 {
		t.Errorf("honest closed: %v, %d connections, %d to be closed next", honest.isClosed(), len(f.conns), len(f.next))
	}
}

// IPv6 clients are counted by their /64. Connections of forwarders are not counted together.
func TestGroups(t *testing.T) {
	f := newFixture(t, Config{Shared: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for from, want := range map[string]string{
		"192.0.2.1":          "192.0.2.1",
		"::ffff:192.0.2.1":   "192.0.2.1",
		"2001:db8:1:2:3::4":  "2001:db8:1:2::",
		"2001:db8:1:2:ff::1": "2001:db8:1:2::",
		"10.1.1.1":           "invalid IP",
	} {
		if c, _ := f.come(from); c.Source().group.String() != want {
			t.Errorf("%s is counted as %s, want %s", from, c.Source().group, want)
		}
	}
	if s := f.source(&net.UnixAddr{}); s.group.IsValid() || s.Text != "0.0.0.0" {
		t.Errorf("a socket of another kind: %+v", s)
	}
}

// The memory of unfinished requests is bounded: the oldest connections with counted bytes are closed.
func TestBudget(t *testing.T) {
	const body = 128 << 10
	f := newFixture(t, Config{})
	_, small := f.come(one)
	var all []*fake
	for range Budget/body + 3 {
		c, raw := f.come(one)
		all = append(all, raw)
		if err := f.await(c, body); err != nil {
			t.Fatal(err)
		}
	}
	if held := f.held.Load(); held > Budget || held < Budget-body {
		t.Errorf("%d bytes are held, want %d", held, Budget)
	}
	open(t, "defg", all[:7]...)
	if small.isClosed() {
		t.Error("one that holds little was closed")
	}
	f.Table.Close()
	for c := range f.conns {
		c.Close()
	}
}

// A request that is being answered keeps its bytes, and they are no longer counted afterwards.
func TestBudgetOfAnswers(t *testing.T) {
	f := newFixture(t, Config{})
	a, _ := f.come(one)
	if err := f.await(a, Budget); err != nil {
		t.Fatal(err)
	}
	f.serve(a)
	b, raw := f.come(one)
	if err := f.await(b, allowance+1); !errors.Is(err, ErrBusy) || raw.isClosed() {
		t.Errorf("read beyond the budget: %v", err)
	}
	f.await(a, 1)
	if held := f.held.Load(); held != 0 {
		t.Errorf("%d bytes are held, want 0", held)
	}
	if err := f.await(b, allowance+1); err != nil {
		t.Errorf("with room again: %v", err)
	}
	b.Close()
	if held := f.held.Load(); held != 0 {
		t.Errorf("%d bytes are counted without a connection", held)
	}
}

// The body of a stranger is dropped for the body of a client with credentials, not the reverse.
func TestBudgetOfStrangers(t *testing.T) {
	f := newFixture(t, Config{})
	a, known := f.come(one)
	a.FinishVerification(true)
	b, _ := f.come(two)
	if err := errors.Join(f.await(a, Budget/2), f.await(b, Budget/2)); err != nil {
		t.Fatal(err)
	}
	c, _ := f.come(two)
	if err := f.await(c, Budget/2); err != nil || known.isClosed() {
		t.Errorf("%v, and the client with credentials is closed: %v", err, known.isClosed())
	}
}

// Requests of strangers are verified in turn. Clients with credentials do not wait.
func TestStrangersInTurn(t *testing.T) {
	f := newFixture(t, Config{Busy: 1})
	a, _ := f.come(one)
	b, _ := f.come(two)
	c, _ := f.come(two)
	f.begin(a)
	c.FinishVerification(true)
	f.begin(c) // does not wait
	began := make(chan struct{})
	go func() {
		b.Begin()
		close(began)
	}()
	select {
	case <-began:
		t.Error("two strangers have their turn")
	case <-time.After(50 * time.Millisecond):
	}
	a.FinishVerification(true)
	<-began
	f.await(a, 1)
	f.begin(a) // is known now
	b.Done()
	if len(f.strangers) != 0 || b.known.Load() || !a.known.Load() {
		t.Errorf("%d turns, b known: %v, a known: %v", len(f.strangers), b.known.Load(), a.known.Load())
	}
	a.FinishVerification(false)
	f.await(a, 1)
	f.begin(a)
	if len(f.strangers) != 1 {
		t.Error("a client with a refused signature goes on without its turn")
	}
}

// Strangers whose requests wait for a turn or were refused can be closed like idle connections.
func TestStrangersMakeRoom(t *testing.T) {
	f := newFixture(t, Config{Max: 3, Busy: 1})
	a, rawA := f.come(one)
	f.begin(a) // takes the turn
	b, rawB := f.come(one)
	c, rawC := f.come(two)
	c.FinishVerification(true)
	f.begin(c)
	began := make(chan bool)
	go func() { began <- b.Begin() }()
	for b.state.Load() != unproven {
		runtime.Gosched()
	}
	d, rawD := f.come(two)
	if d == nil {
		t.Fatal("a stranger that waits keeps its place")
	}
	open(t, "acd", rawA, rawB, rawC, rawD)
	a.FinishVerification(false) // sending the refusal may take long
	if <-began {
		t.Error("a request begins on a connection that has ended")
	}
	if !a.idle(f.now) || c.idle(f.now) {
		t.Error("a refused stranger keeps its place, or a client with credentials does not")
	}
	if len(f.strangers) != 0 {
		t.Error("the turn is lost")
	}
}

// A connection that made progress after the order was computed is skipped.
func TestProgressAfterTheOrder(t *testing.T) {
	f := newFixture(t, Config{Max: 48})
	var conns []*Conn
	var raws []*fake
	for range 48 {
		c, raw := f.come(one)
		conns, raws = append(conns, c), append(raws, raw)
	}
	f.come(one)
	f.answerNext(conns[1])
	f.come(one)
	open(t, "bd", raws[:4]...)
}

// Bytes of one request are not counted for the next.
func TestSmallRequests(t *testing.T) {
	f := newFixture(t, Config{})
	c, raw := f.come(one)
	for range 10 {
		raw.text = strings.NewReader(strings.Repeat("x", allowance/2))
		if err := f.await(c, allowance/2); err != nil {
			t.Fatal(err)
		}
		f.answer(c)
	}
	f.await(c, 1)
	if held := f.held.Load(); held != 0 {
		t.Errorf("%d bytes are held", held)
	}
}

// The time limit of an answer starts when it is written, however long the request took.
func TestWriting(t *testing.T) {
	f := newFixture(t, Config{})
	c, raw := f.come(one)
	f.serve(c)
	f.now = f.now.Add(time.Hour)
	raw.written = func() {
		if c.idle(f.now) || !c.idle(f.now.Add(stalled+1)) {
			t.Error("an answer that is written counts as idle, or never does")
		}
	}
	if _, err := c.Write([]byte("x")); err != nil || c.state.Load() != answering {
		t.Errorf("%v, state %d", err, c.state.Load())
	}
}

// If the process has no file descriptor left, one connection is closed for the next.
func TestOutOfDescriptors(t *testing.T) {
	f := newFixture(t, Config{})
	_, raw := f.come(one)
	l := f.Listener(&scarce{next: &fake{from: tcp(two), text: strings.NewReader("")}})
	if c, err := l.Accept(); err != nil || Of(c).Source().Text != two {
		t.Errorf("%v, %v", c, err)
	}
	open(t, "", raw)
}

// A scarce listener has no file descriptor for its first connection.
type scarce struct {
	net.Listener
	failed bool
	next   net.Conn
}

func (l *scarce) Accept() (net.Conn, error) {
	if !l.failed {
		l.failed = true
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.next, nil
}
