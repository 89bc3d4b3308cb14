package admit

import (
	"net"
	"slices"
	"testing"
)

// TestNewest opens more connections than the listener has places. The one that has waited longest is closed, and a
// connection that the server has answered has not waited since.
func TestNewest(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Newest(inner, 3)
	defer l.Close()
	var clients, servers []net.Conn
	connect := func() {
		t.Helper()
		client, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		clients, servers = append(clients, client), append(servers, server)
		t.Cleanup(func() { client.Close(); server.Close() })
	}
	open := func() (numbers []int) {
		for i, c := range servers {
			if _, err := c.Write([]byte("x")); err == nil {
				numbers = append(numbers, i)
			}
		}
		return numbers
	}
	for range 3 {
		connect()
	}
	if got := open(); !slices.Equal(got, []int{0, 1, 2}) {
		t.Fatalf("connections %v are open", got)
	}
	if _, err := servers[0].Write([]byte("answer")); err != nil {
		t.Fatal(err)
	}
	connect()
	connect()
	if got := open(); !slices.Equal(got, []int{0, 3, 4}) {
		t.Errorf("connections %v are open, want the answered one and the two newest", got)
	}
	servers[3].Close()
	servers[3].Close() // makes room once
	connect()
	connect()
	if got := open(); !slices.Equal(got, []int{4, 5, 6}) {
		t.Errorf("connections %v are open, want the three newest", got)
	}
	if n := l.(*newest).waiting.Len(); n != 3 {
		t.Errorf("%d connections are listed", n)
	}
}
