package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// dialTime limits the time of a connection's beginning, with the TLS handshake.
const dialTime = 10 * time.Second

// A stream is a target that gets lines over a connection and does not answer.
type stream struct {
	name, network, address string
	tls                    *tls.Config // nil means no TLS
	frame                  func(b []byte, line []byte) []byte
	conn                   net.Conn
	ended                  *atomic.Pointer[error] // set when the receiver closed conn
	buffer                 []byte
}

func newStream(name, network, address string, config *tls.Config, frame func(b, line []byte) []byte) *stream {
	return &stream{name: name, network: network, address: address, tls: config, frame: frame}
}

// jsonLine appends a line with its newline.
func jsonLine(b, line []byte) []byte { return append(append(b, line...), '\n') }

// String implements Target.
func (s *stream) String() string { return s.name }

// Acknowledges implements Target.
func (s *stream) Acknowledges() bool { return false }

// Send implements Target.
func (s *stream) Send(ctx context.Context, lines []Line) error {
	if s.conn == nil {
		if len(lines) == 0 {
			return nil
		}
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	s.buffer = s.buffer[:0]
	for _, line := range lines {
		s.buffer = s.frame(s.buffer, line.Text)
	}
	if err := s.write(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

// write writes the buffer, unless the receiver has closed the connection.
func (s *stream) write(ctx context.Context) error {
	if ended := s.ended.Load(); ended != nil {
		return *ended
	}
	deadline, _ := ctx.Deadline()
	if err := s.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { s.conn.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	_, err := s.conn.Write(s.buffer)
	return err
}

func (s *stream) connect(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if s.tls == nil {
		s.conn, err = new(net.Dialer).DialContext(ctx, s.network, s.address)
	} else {
		s.conn, err = (&tls.Dialer{Config: s.tls}).DialContext(ctx, s.network, s.address)
	}
	if err != nil {
		s.conn = nil
		return err
	}
	s.ended = new(atomic.Pointer[error])
	go watch(s.conn, s.ended)
	return nil
}

// watch reads until the receiver closes the connection. A receiver that sends more than nothing is not the right one,
// but its bytes are of no harm.
func watch(c net.Conn, ended *atomic.Pointer[error]) {
	_, err := io.Copy(io.Discard, c)
	if err == nil {
		err = errors.New("the receiver closed the connection")
	}
	ended.Store(&err)
}

// Close implements Target.
func (s *stream) Close() error {
	if s.conn == nil {
		return nil
	}
	s.conn.Close() // an error changes nothing: the lines that may be lost are sent again
	s.conn = nil
	return nil
}
