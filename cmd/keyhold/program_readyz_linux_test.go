package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/health"
)

// A readyzServer is a server with a private listener, all devices, and a disk of its own.
type readyzServer struct {
	*faultServer
	dir, disk, volume string       // volume has the folder of the anchor
	device            net.Listener // takes the lines of the log
}

// A readyzFault breaks a part of the server, and repairs it.
type readyzFault struct {
	name   string
	check  string   // which must fail
	others []string // which may fail too
	inject func(t *testing.T, s *readyzServer) (mend func())
}

var readyzFaults = []readyzFault{
	{"the disk is full", "disk", []string{"audit", "audit-anchor", "audit-forward"}, func(t *testing.T, s *readyzServer) func() {
		mend := fillUp(t, s.disk)
		for a := (faultAnswer{}); a.kind == ""; { // until the reserve is used up
			var err error
			if a, err = s.call(t.Context(), "CreateKey", map[string]any{}); err != nil {
				t.Fatal(err)
			}
		}
		return mend
	}},
	{"the disk is full, and the server is idle", "disk", []string{"audit-anchor"}, func(t *testing.T, s *readyzServer) func() {
		return fillUp(t, s.disk)
	}},
	{"the root key file is gone", "custody", nil, func(t *testing.T, s *readyzServer) func() {
		return moveAway(t, s.rootKey())
	}},
	{"the root key file is that of another deployment", "custody", nil, func(t *testing.T, s *readyzServer) func() {
		mend := moveAway(t, s.rootKey())
		other := initFolder(t, s.program, filepath.Join(t.TempDir(), "other"))
		key, err := os.ReadFile(other.rootKey())
		if err = errors.Join(err, os.WriteFile(s.rootKey(), key, 0o600)); err != nil {
			t.Fatal(err)
		}
		return mend
	}},
	{"others may read the root key file", "custody", nil, func(t *testing.T, s *readyzServer) func() {
		return changeMode(t, s.rootKey(), 0o644)
	}},
	{"the volume of the anchor is gone", "audit-anchor", nil, func(t *testing.T, s *readyzServer) func() {
		return moveAway(t, filepath.Join(s.volume, "anchor"))
	}},
	{"the volume of the anchor is full, and the server is idle", "audit-anchor", nil, func(t *testing.T, s *readyzServer) func() {
		return fillUp(t, s.volume)
	}},
	{"the file of the anchor is damaged", "audit-anchor", nil, func(t *testing.T, s *readyzServer) func() {
		path := filepath.Join(s.volume, "anchor", "file")
		kept, err := os.ReadFile(path)
		if err = errors.Join(err, os.WriteFile(path, kept[:len(kept)/2], 0o600)); err != nil {
			t.Fatal(err)
		}
		return func() { os.WriteFile(path, kept, 0o600) }
	}},
	{"the second device of the log is gone", "audit-forward", nil, func(t *testing.T, s *readyzServer) func() {
		s.device.Close()
		s.use(t)
		return func() { s.listenForLines(t) }
	}},
	{"the certificate ends", "certificate", nil, func(t *testing.T, s *readyzServer) func() {
		writeServerPEM(t, s.dir, time.Now().Add(-time.Minute))
		s.Signal(syscall.SIGHUP)
		return func() {
			writeServerPEM(t, s.dir, time.Now().Add(300*24*time.Hour))
			s.Signal(syscall.SIGHUP)
		}
	}},
	{"the kernel may swap memory that is not locked", "memory-lock", nil, func(t *testing.T, s *readyzServer) func() {
		s.swaps(t, "Filename Type Size Used Priority\n/dev/sda2 partition 1048572 0 -2\n")
		return func() { s.swaps(t, "Filename Type Size Used Priority\n") }
	}},
}

// A check of /readyz names each fault of a server until the fault is repaired. KEYHOLD_READYZ is the number of rounds
// in which each fault comes alone, and no other check may fail. Without it, one fault of each check comes at once.
func TestReadyzNamesFaults(t *testing.T) {
	s := startReadyzServer(t)
	s.await(t, nil, nil)
	if fromEnv("KEYHOLD_READYZ", 0) == 0 {
		s.sufferAll(t)
	}
	for range fromEnv("KEYHOLD_READYZ", 0) {
		for _, f := range readyzFaults {
			begun := time.Now()
			mend := f.inject(t, s)
			s.await(t, []string{f.check}, f.others)
			named := time.Since(begun)
			begun = time.Now()
			mend()
			s.await(t, nil, nil)
			t.Logf("%-48s %-14s named after %4.1f s, forgotten after %4.1f s", f.name, f.check, named.Seconds(), time.Since(begun).Seconds())
		}
	}
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// sufferAll injects the last fault of each check at once, the full disk last.
func (s *readyzServer) sufferAll(t *testing.T) {
	var checks []string
	var mends []func()
	begun := time.Now()
	for _, f := range slices.Backward(readyzFaults) {
		if !slices.Contains(checks, f.check) {
			checks, mends = append(checks, f.check), append(mends, f.inject(t, s))
		}
	}
	injected := time.Now()
	s.await(t, checks, []string{"audit"})
	named := time.Now()
	for _, mend := range mends {
		mend()
	}
	s.await(t, nil, nil)
	t.Logf("%q: injected in %.1f s, named after %.1f s, forgotten after %.1f s",
		checks, injected.Sub(begun).Seconds(), named.Sub(injected).Seconds(), time.Since(named).Seconds())
}

func startReadyzServer(t *testing.T) *readyzServer {
	s := &readyzServer{dir: t.TempDir(), disk: smallDisk(t), volume: smallDisk(t)}
	needs(t, "unshare", func() error { return exec.Command("unshare", "-m", "true").Run() })
	f := initFolder(t, buildProgram(t), filepath.Join(s.disk, "data"))
	if err := os.Mkdir(filepath.Join(s.volume, "anchor"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeServerPEM(t, s.dir, time.Now().Add(300*24*time.Hour))
	s.listenForLines(t)
	s.swaps(t, "Filename Type Size Used Priority\n")
	at := func(name string) string { return filepath.Join(s.dir, name) }
	f.flags = []string{"--disk-reserve", "2", "--private-addr", "unix:" + at("private"), "--audit-anchor", "file:" + filepath.Join(s.volume, "anchor", "file"),
		"--audit-forward", "unix:" + at("device"), "--tls-cert", at("server.pem"), "--tls-key", at("server.pem")}
	var err error
	s.faultServer, err = f.serve(t, "unshare", "-m", "sh", "-c", `mount --bind "$0" /proc/swaps && exec prlimit --memlock=65536 "$@"`, at("swaps"))
	if err != nil {
		t.Fatal(err)
	}
	s.http.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	return s
}

// use sends a request, whose event the server forwards.
func (s *readyzServer) use(t *testing.T) {
	t.Helper()
	if _, err := s.call(t.Context(), "ListKeys", map[string]any{}); err != nil {
		t.Error(err)
	}
}

// await waits until these checks fail, and no other check but those that may fail too. Without want, all must pass.
func (s *readyzServer) await(t *testing.T, want, others []string) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		text := getPrivate(t, filepath.Join(s.dir, "private"), "/readyz?format=json")
		var answer health.Answer
		known := json.Unmarshal([]byte(text), &answer) == nil && len(answer.Checks) > 0
		missing, failing := len(want), 0
		for _, c := range answer.Checks {
			switch {
			case c.Reason == "":
			case slices.Contains(want, c.Name):
				missing--
			case len(want) == 0 || !slices.Contains(others, c.Name):
				failing++
			}
		}
		if known && missing == 0 && failing == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("want %q to fail:\n%s\n%s", want, text, s.stderr)
		}
	}
}

// listenForLines makes the second device, a Unix socket that takes lines.
func (s *readyzServer) listenForLines(t *testing.T) {
	t.Helper()
	var err error
	if s.device, err = net.Listen("unix", filepath.Join(s.dir, "device")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.device.Close() })
	go takeLines(s.device)
}

// takeLines reads what clients send until the listener is closed, and then closes all connections.
func takeLines(l net.Listener) {
	var open []net.Conn
	for {
		c, err := l.Accept()
		if err != nil {
			break
		}
		open = append(open, c)
		go io.Copy(io.Discard, c)
	}
	for _, c := range open {
		c.Close()
	}
}

// swaps sets what the server reads as /proc/swaps.
func (s *readyzServer) swaps(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "swaps"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// fillUp fills a disk until mend is called.
func fillUp(t *testing.T, disk string) (mend func()) {
	t.Helper()
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	return func() { os.Remove(filler) }
}

// moveAway renames a file or folder until mend is called.
func moveAway(t *testing.T, path string) (mend func()) {
	t.Helper()
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	return func() { os.Rename(path+".away", path) }
}

// changeMode changes the mode of a file until mend is called.
func changeMode(t *testing.T, path string, mode os.FileMode) (mend func()) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return func() { os.Chmod(path, 0o600) }
}

// writeServerPEM writes a certificate that ends at a time, with its key, to server.pem.
func writeServerPEM(t *testing.T, dir string, end time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.Add(-400 * 24 * time.Hour), NotAfter: end, DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%s%s", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	if err := replaceFile(filepath.Join(dir, "server.pem"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
