package server_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/kmstest"
)

// A client is a connection that stays open.
type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, address string) client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(timeout))
	return client{c, bufio.NewReader(c)}
}

// ask sends a request and returns the status of the answer, or an error if there is no answer.
func (c client) ask(t *testing.T, q testRequest) (status int, err error) {
	t.Helper()
	var wire bytes.Buffer
	r := q.request(t, &kmstest.Server{Endpoint: "http://" + c.RemoteAddr().String()})
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write(wire.Bytes()); err != nil {
		return 0, err
	}
	a, err := http.ReadResponse(c.in, r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, a.Body)
	return a.StatusCode, errors.Join(err, a.Body.Close())
}

// At the limit of connections, those whose last request had no verified signature are closed first. Requests
// that need no signature have none.
func TestStrangersAreClosedFirst(t *testing.T) {
	forged := rootRequest()
	forged.secret = "another"
	web := stsRequest("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=s&RoleArn=arn:aws:iam::111122223333:role/app&WebIdentityToken=a.b.c")
	for name, stranger := range map[string]testRequest{"a forged signature": forged, "an unsigned operation": web} {
		for _, known := range []testRequest{rootRequest(), stsRequest("Action=GetCallerIdentity&Version=2011-06-15")} {
			var later atomic.Int64
			now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
			address := setup{conns: conns.Config{Max: 2, Now: now}}.start(t)
			first, second := dial(t, address), dial(t, address)
			if status, err := first.ask(t, known); status != 200 {
				t.Fatalf("%d, %v", status, err)
			}
			if status, err := second.ask(t, stranger); status < 400 {
				t.Fatalf("%s: %d, %v", name, status, err)
			}
			later.Store(int64(time.Minute)) // makes connections idle if their answers were not read
			if status, err := dial(t, address).ask(t, known); status != 200 {
				t.Errorf("%s: a new client gets %d, %v", name, status, err)
			}
			if status, err := first.ask(t, known); status != 200 {
				t.Errorf("%s: the client that is known gets %d, %v", name, status, err)
			}
			if _, err := second.ask(t, stranger); err == nil {
				t.Errorf("%s: the stranger's connection is kept", name)
			}
		}
	}
}

// Large requests of both protocols take turns. Other requests do not.
func TestLargeRequestsTakeTurns(t *testing.T) {
	var begun, running atomic.Int64
	address := setup{computing: func(change int) {
		begun.Add(int64(max(0, change)))
		running.Add(int64(change))
	}}.start(t)
	kms := rootRequest()
	kms.target = "TrentService.GenerateRandom"
	pad := strings.Repeat(" ", 2<<10)
	for _, c := range []struct {
		name   string
		from   testRequest
		body   string
		status int
		turns  int64
	}{
		{"small", kms, `{"NumberOfBytes":8}`, 200, 0},
		{"large", kms, `{"NumberOfBytes":8` + pad + `}`, 200, 1},
		{"large and not JSON", kms, pad, 400, 1},
		{"small form", stsRequest(""), "Action=GetCallerIdentity&Version=2011-06-15", 200, 0},
		{"large form", stsRequest(""), "Action=GetSessionToken&Version=2011-06-15&SerialNumber=" + strings.Repeat("x", 2<<10), 400, 1},
		{"large and unsigned", stsRequest(""), "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=s&RoleArn=arn:aws:iam::111122223333:role/app&WebIdentityToken=" + strings.Repeat("x", 2<<10), 400, 0},
	} {
		begun.Store(0)
		c.from.body = c.body
		if status, err := dial(t, address).ask(t, c.from); status != c.status || begun.Load() != c.turns || running.Load() != 0 {
			t.Errorf("%s: %d, %v, with %d turns of which %d last", c.name, status, err, begun.Load(), running.Load())
		}
	}
}
