package browser

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// A recorder stands between the page and the server, and keeps each octet that passes.
type recorder struct {
	endpoint string

	mu    sync.Mutex
	seen  bytes.Buffer
	word  string // connections are closed that send a request with the word
	cut   bool   // reports whether one was closed
	conns []net.Conn
}

// record starts a recorder before a server.
func record(t *testing.T, endpoint string) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{endpoint: "http://" + l.Addr().String()}
	server := strings.TrimPrefix(endpoint, "http://")
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { r.pass(c, server) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		r.mu.Lock()
		for _, c := range r.conns {
			c.Close()
		}
		r.mu.Unlock()
		all.Wait()
	})
	return r
}

// pass passes the octets of a connection in both directions.
func (r *recorder) pass(page net.Conn, address string) {
	defer page.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	r.mu.Lock()
	r.conns = append(r.conns, page, server)
	r.mu.Unlock()
	go func() {
		io.Copy(server, io.TeeReader(page, &direction{r: r, page: page}))
		server.Close()
	}()
	io.Copy(page, io.TeeReader(server, &direction{r: r}))
}

// A direction keeps the octets of one direction of a connection.
type direction struct {
	r    *recorder
	page net.Conn // of requests
}

func (d *direction) Write(b []byte) (int, error) {
	d.r.mu.Lock()
	defer d.r.mu.Unlock()
	d.r.seen.Write(b)
	if d.page != nil && d.r.word != "" && bytes.Contains(b, []byte(d.r.word)) {
		d.r.cut = true
		d.page.Close()
		return 0, io.ErrClosedPipe
	}
	return len(b), nil
}

// cutAt closes connections of requests with the word, and does not pass these requests on. Browsers repeat a request
// once if its connection was open before.
func (r *recorder) cutAt(word string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.word = word
}

func (r *recorder) wasCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// encodings returns a secret as it could be written.
func encodings(secret []byte) map[string]string {
	decimal := make([]string, len(secret))
	for i, b := range secret {
		decimal[i] = fmt.Sprint(b)
	}
	all := map[string]string{
		"raw": string(secret), "hexadecimal": hex.EncodeToString(secret),
		"HEXADECIMAL": strings.ToUpper(hex.EncodeToString(secret)),
		"decimal":     strings.Join(decimal, ","), "decimal with spaces": strings.Join(decimal, ", "),
	}
	for shift := range 3 { // base64 of the secret behind other octets
		whole := append(make([]byte, shift), secret...)
		from, to := (shift*8+5)/6, (len(whole)/3)*4
		all[fmt.Sprintf("base64 at %d", shift)] = base64.StdEncoding.EncodeToString(whole)[from:to]
		all[fmt.Sprintf("base64url at %d", shift)] = base64.URLEncoding.EncodeToString(whole)[from:to]
	}
	return all
}

// scan fails the test if a secret, or half of it, is in the text in any encoding.
func scan(t *testing.T, where string, text []byte, secret []byte) {
	t.Helper()
	for _, part := range [][]byte{secret, secret[:len(secret)/2], secret[len(secret)/2:]} {
		for name, form := range encodings(part) {
			if bytes.Contains(text, []byte(form)) {
				t.Errorf("%s has the key material: %s", where, name)
			}
		}
	}
}

// octets returns the recorded octets.
func (r *recorder) octets() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Clone(r.seen.Bytes())
}

// TestScan checks that scan finds each encoding.
func TestScan(t *testing.T) {
	t.Parallel()
	secret := []byte("\x00\x01\xfe\xffan example of a secret")
	for name, form := range encodings(secret) {
		var failed testing.T
		scan(&failed, "text", []byte("before "+form+" after"), secret)
		if !failed.Failed() {
			t.Errorf("%s is not found", name)
		}
	}
	scan(t, "other text", []byte("before after"), secret)
}
