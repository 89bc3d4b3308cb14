package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

const (
	stalledConns = 2000
	// again is the time after which a client whose connection was closed reconnects.
	again = 10 * time.Second
	// slower is the bar: how many times longer the p99 of Encrypt of others may be than without an attack.
	slower = 2
)

// A stalling opens a connection and keeps the server waiting.
type stalling func(l *lab, s *server) (net.Conn, error)

var stallings = []stalling{
	func(_ *lab, s *server) (net.Conn, error) { return elsewhere.Dial("tcp", s.addr) },
	func(_ *lab, s *server) (net.Conn, error) { // the beginning of a ClientHello of 512 bytes
		c, err := elsewhere.Dial("tcp", s.addr)
		if err == nil {
			_, err = c.Write([]byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0})
		}
		return c, err
	},
	func(l *lab, s *server) (net.Conn, error) { return l.say(s, "POST / HTTP/1.1\r\nHost: a\r\nX-Amz") },
	func(l *lab, s *server) (net.Conn, error) {
		return l.say(s, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{")
	},
	func(l *lab, s *server) (net.Conn, error) { // does not read answers
		narrow := *elsewhere
		narrow.Control = func(_, _ string, c syscall.RawConn) error {
			return c.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 2<<10) })
		}
		c, err := tls.DialWithDialer(&narrow, "tcp", s.addr, l.tls())
		if err != nil {
			return nil, err
		}
		c.SetWriteDeadline(time.Now().Add(time.Second))
		io.WriteString(c, strings.Repeat("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 600))
		return c, nil
	},
}

// elsewhere dials from another address than others do.
var elsewhere = &net.Dialer{Timeout: 30 * time.Second, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}

// say opens a TLS connection and sends a text.
func (l *lab) say(s *server, text string) (*tls.Conn, error) {
	c, err := tls.DialWithDialer(elsewhere, "tcp", s.addr, l.tls())
	if err == nil {
		_, err = io.WriteString(c, text)
	}
	return c, err
}

// stalled keeps 2,000 connections of all kinds that do not send or read, and reopens each connection that the
// server closes.
func stalled(ctx context.Context, l *lab) (string, error) { return stalledOn(ctx, l, "program") }

// stalledFew is stalled with 200 file descriptors for the server.
func stalledFew(ctx context.Context, l *lab) (string, error) {
	return stalledOn(ctx, l, "sh", "-c", `ulimit -n 200; exec "$0" "$@"`)
}

// stalledOn stalls a server that is started by a command that begins with words.
func stalledOn(ctx context.Context, l *lab, words ...string) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	if len(words) > 1 {
		s.stop()
		words = append(words[1:], s.cmd.Args...)
		if err := s.startAs(exec.Command("sh", words...)); err != nil {
			return "", err
		}
	}
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	quiet, err := o.measure(ctx, 5*time.Second)
	if err != nil {
		return "", err
	}
	var opened atomic.Int64
	stop := inParallel(ctx, stalledConns, func(ctx context.Context, i int) {
		wait := time.Duration(i) * 5 * time.Millisecond // not all at the same time
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-time.After(wait):
			}
			wait = again
			if c, err := stallings[i%len(stallings)](l, s); err == nil {
				opened.Add(1)
				keepOpen(ctx, c)
			}
		}
	})
	defer stop()
	for begun := time.Now(); opened.Load() < stalledConns && time.Since(begun) < 30*time.Second; {
		time.Sleep(100 * time.Millisecond)
	}
	time.Sleep(2 * time.Second) // until all of them have sent their text
	return o.measureStalled(ctx, s, quiet)
}

// keepOpen keeps a connection open until the server closes it or ctx ends.
func keepOpen(ctx context.Context, c net.Conn) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	select { // reads nothing
	case <-ctx.Done():
	case <-time.After(2 * again):
	}
	io.Copy(io.Discard, c)
}

// measureStalled measures others while connections stall, both on their existing connection and on new ones.
func (o *others) measureStalled(ctx context.Context, s *server, quiet []time.Duration) (string, error) {
	took, err := o.measure(ctx, 10*time.Second)
	if err != nil {
		return "", fmt.Errorf("%w: others were refused: %w", errMissed, err)
	}
	fresh := 0
	for range 20 {
		c := s.client(s.root, 1)
		if _, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: o.key, Plaintext: []byte("others")}); err == nil {
			fresh++
		}
	}
	before, during := percentile(quiet, 99), percentile(took, 99)
	ratio := float64(during) / float64(before)
	figure := fmt.Sprintf("Encrypt p99 of others %.2f ms, quiet %.2f ms: %.1f times; %d of 20 new connections served",
		ms(during), ms(before), ratio, fresh)
	resident, err := s.checkRSS()
	if err != nil {
		return figure + "; " + resident, err
	}
	if err := checkBar(fresh == 20, "%d of 20 new connections were served", fresh); err != nil {
		return figure, err
	}
	return figure + "; " + resident, checkBar(ratio <= slower, "p99 %.1f times, at most %d", ratio, slower)
}
