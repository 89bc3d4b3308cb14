package conns

import (
	"crypto/tls"
	"errors"
	"time"
)

// handshakeTime is the time limit of a TLS handshake.
const handshakeTime = 5 * time.Second

var errHandshakes = errors.New("conns: the handshake waited too long for a processor")

// limitHandshakes makes the computations of handshakes take turns, so that a flood of handshakes leaves processors to
// requests. The handshakes use the settings of SetTLS.
func (t *Table) limitHandshakes() {
	t.computing = make(chan struct{}, t.Busy)
	t.SetTLS(t.TLS)
	t.TLS = t.TLS.Clone()
	t.TLS.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return t.secure.Load(), hello.Conn.(*wire).compute()
	}
}

// compute waits for the turn of a handshake after the client's hello. The turn ends when the handshake waits
// for the client again.
func (w *wire) compute() error {
	timeout := time.NewTimer(handshakeTime)
	defer timeout.Stop()
	select {
	case w.table.computing <- struct{}{}:
		w.computes.Store(true)
		return nil
	case <-timeout.C:
		return errHandshakes
	}
}

// yield ends the turn of a handshake.
func (w *wire) yield() {
	if w.computes.Load() && w.computes.Swap(false) {
		<-w.table.computing
	}
}
