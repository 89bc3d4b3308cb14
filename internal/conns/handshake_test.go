package conns

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"testing"
	"time"
)

// certificate returns a self-signed certificate.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}
}

// A deadlineRecorder is a connection that records the deadline that is set.
type deadlineRecorder struct {
	net.Conn
	until time.Time
}

func (c *deadlineRecorder) SetDeadline(t time.Time) error {
	c.until = t
	return c.Conn.SetDeadline(t)
}

// pair returns both ends of a TCP connection.
func pair(t *testing.T) (client, accepted net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); accepted.Close() })
	return client, accepted
}

// Handshakes compute in turn. A turn ends when the handshake waits for its client, or when the connection is
// closed.
func TestHandshakesInTurn(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		f := newFixture(t, Config{Busy: 1, TLS: &tls.Config{Certificates: []tls.Certificate{certificate(t)}}})
		there, here := pair(t)
		in := &deadlineRecorder{Conn: here}
		e := tlsConn{f.admit(in)}
		f.computing <- struct{}{} // another handshake has its turn
		done := make(chan error, 2)
		client := tls.Client(there, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		go func() { done <- client.Handshake() }()
		go func() { done <- e.Handshake() }()
		select {
		case err := <-done:
			t.Errorf("it does not wait for its turn: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		<-f.computing
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if len(f.computing) != 0 {
			t.Error("the turn has not ended")
		}
		if left := time.Until(in.until); left <= 0 || left > handshakeTime {
			t.Errorf("the handshake has %s", left)
		}
		if s := e.ConnectionState(); s.Version != version || !s.HandshakeComplete {
			t.Errorf("%+v", s)
		}
		if err := e.wire.compute(); err != nil {
			t.Error(err)
		}
		e.Close()
		if len(f.computing) != 0 {
			t.Error("the turn has not ended with the connection")
		}
	}
}
