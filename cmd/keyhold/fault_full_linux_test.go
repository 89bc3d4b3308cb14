package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/host"
)

// soon bounds the time for which the server may refuse requests after the disk has space again.
const soon = 5 * time.Second

// smallDisk mounts a volume of a few MiB and returns its path.
func smallDisk(t *testing.T) string {
	t.Helper()
	disk := t.TempDir()
	needs(t, "mount", func() error { return syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=48m") })
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	return disk
}

// TestFullDisk fills the disk of keyhold serve under load, several times. The server refuses
// requests and logs the reason once. It still disables keys, and material still expires. It
// continues by itself when there is space. Nothing is damaged or lost. KEYHOLD_FILLS is the number
// of times.
func TestFullDisk(t *testing.T) {
	disk, fills := smallDisk(t), fromEnv("KEYHOLD_FILLS", 3)
	l := newFaultLoad(initFolder(t, buildProgram(t), filepath.Join(disk, "data")), 4)
	l.folder.flags = []string{"--disk-reserve", "2"}
	l.mayFail = true
	var slowest time.Duration
	for range fills {
		s := l.start(t)
		probe, err := newFullProbe(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range probe.described {
			l.unanswered[name] = true
		}
		filler := filepath.Join(disk, "filler")
		l.run(t, s, func() {
			defer close(s.rest)
			fill(t, filler)
			if err := errors.Join(probe.waitFor(t.Context(), false), probe.checkWhileFull(t.Context()), os.Remove(filler)); err != nil {
				t.Error(err)
			}
			begun := time.Now()
			if err := probe.waitFor(t.Context(), true); err != nil {
				t.Error(err)
			}
			slowest = max(slowest, time.Since(begun))
		})
		if err := errors.Join(probe.checkAfterwards(t.Context()), s.end(syscall.SIGTERM)); err != nil {
			t.Errorf("%v\n%s", err, s.stderr)
		}
		log := s.stderr.String()
		for text, want := range map[string]int{"the disk is full": 1, "no space left on device": 1, "has space again": 1, "level=ERROR": 1, "level=WARN": 0} {
			if n := strings.Count(log, text); n != want {
				t.Errorf("%d times %q in the log, want %d:\n%s", n, text, want, log)
			}
		}
		s = l.start(t)
		l.inspect(t, s)
		if err := s.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	l.finish(t, l.start(t))
	t.Logf("%d times a full disk: service back after %v at most; %d operations, %d acknowledged changes, 0 lost",
		fills, slowest.Round(time.Millisecond), l.operations, len(l.acknowledged))
	if slowest > soon {
		t.Errorf("the service was back after %v", slowest)
	}
	if len(l.acknowledged) < 10*fills {
		t.Error("hardly anything was going on: the test tested nothing")
	}
}

// serveOnAFullDisk starts a server with a reserve of so many MiB, and then fills its disk.
func serveOnAFullDisk(t *testing.T, reserve string) (folder faultFolder, probe *fullProbe, filler string) {
	t.Helper()
	disk := smallDisk(t)
	folder = initFolder(t, buildProgram(t), filepath.Join(disk, "data"))
	folder.flags = []string{"--disk-reserve", reserve}
	s, err := folder.serve(t)
	if err != nil {
		t.Fatal(err)
	}
	if probe, err = newFullProbe(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	filler = filepath.Join(disk, "filler")
	fill(t, filler)
	return folder, probe, filler
}

// A server that starts on a full disk says so, refuses, and goes on by itself.
func TestStartOnAFullDisk(t *testing.T) {
	folder, probe, filler := serveOnAFullDisk(t, "2")
	if err := errors.Join(probe.waitFor(t.Context(), false), probe.server.end(syscall.SIGTERM)); err != nil {
		t.Fatal(err)
	}
	var err error
	if probe.server, err = folder.serve(t); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(probe.waitFor(t.Context(), false), probe.checkWhileFull(t.Context())); err != nil {
		t.Error(err)
	}
	if log := probe.server.stderr.String(); strings.Count(log, "the disk is full") != 1 {
		t.Errorf("the log is\n%s", log)
	}
	if err := os.Remove(filler); err != nil {
		t.Error(err)
	}
	if err := errors.Join(probe.waitFor(t.Context(), true), probe.checkAfterwards(t.Context()), probe.server.end(syscall.SIGTERM)); err != nil {
		t.Error(err)
	}
	if _, err := folder.verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestReserveUsedUp disables keys on a full disk until the reserve is used up. Then that
// is refused too, the server goes on running, and with space again it has all that it
// acknowledged, and each event once.
func TestReserveUsedUp(t *testing.T) {
	folder, probe, filler := serveOnAFullDisk(t, "1")
	if err := probe.waitFor(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	acknowledged := useUp(t, probe.server, probe.open)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	if err := probe.waitFor(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	took := time.Since(begun)
	if err := probe.expect(t.Context(), 200, "EnableKey", map[string]any{"KeyId": probe.open}); err != nil {
		t.Error(err)
	}
	if err := probe.server.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if _, err := folder.verify(t.Context()); err != nil {
		t.Error(err)
	}
	log := newFaultAudit(folder.data)
	if err := errors.Join(log.readNew(), log.checkOnce(acknowledged)); err != nil || log.broken > 0 {
		t.Errorf("%v, %d lines are not events", err, log.broken)
	}
	t.Logf("%d keys were disabled on a full disk; service back after %v", len(acknowledged), took.Round(time.Millisecond))
	if len(acknowledged) < 100 || took > soon {
		t.Errorf("too few, or too late")
	}
}

// useUp disables a key again and again until the server refuses to for some time. It
// returns the IDs of the acknowledged requests.
func useUp(t *testing.T, s *faultServer, key string) (acknowledged []string) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for refused := 0; refused < 200; {
				a, err := s.call(t.Context(), "DisableKey", map[string]any{"KeyId": key})
				switch {
				case err != nil || a.status != 200 && a.status != 500 && a.kind != answerThrottle:
					t.Errorf("DisableKey: %v, %d %s", err, a.status, a.body)
					return
				case a.status == 500:
					refused++
				case a.status == 200:
					mu.Lock()
					acknowledged = append(acknowledged, a.id)
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return acknowledged
}

// A fullProbe sends requests to a server on a full disk: some are refused, some are not.
type fullProbe struct {
	server              *faultServer
	used, open, expires string // keys: encrypted under, to be disabled, with material that expires
	expiry              time.Time
	described           []string // the keys
}

func newFullProbe(ctx context.Context, s *faultServer) (*fullProbe, error) {
	p := &fullProbe{server: s, expiry: time.Now().Add(3 * time.Second)}
	for key, in := range map[*string]map[string]any{&p.used: {}, &p.open: {}, &p.expires: {"Origin": "EXTERNAL"}} {
		in["Description"] = newFaultKey().description
		a, err := s.call(ctx, "CreateKey", in)
		if *key, _ = a.member("KeyMetadata", "KeyId").(string); *key == "" {
			return nil, fmt.Errorf("CreateKey: %w, %s", err, a.body)
		}
		p.described = append(p.described, in["Description"].(string))
	}
	return p, p.importExpiring(ctx)
}

func (p *fullProbe) importExpiring(ctx context.Context) error {
	parameters := faultAnswer{kind: answerThrottle} // as it is while pairs of keys are being made
	for parameters.kind == answerThrottle {
		parameters, _ = p.server.call(ctx, "GetParametersForImport", map[string]any{"KeyId": p.expires, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})
	}
	public, err := x509.ParsePKIXPublicKey(parameters.bytes("PublicKey"))
	if err != nil {
		return err
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), make([]byte, 32), nil)
	if err != nil {
		return err
	}
	return p.expect(ctx, 200, "ImportKeyMaterial", map[string]any{"KeyId": p.expires, "ImportToken": parameters.bytes("ImportToken"),
		"EncryptedKeyMaterial": wrapped, "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": float64(p.expiry.UnixMilli()) / 1000})
}

func (p *fullProbe) expect(ctx context.Context, status int, operation string, in map[string]any) error {
	a, err := p.server.call(ctx, operation, in)
	if err != nil || a.status != status {
		return fmt.Errorf("%s: %w, %d %s, want %d", operation, err, a.status, a.body, status)
	}
	return nil
}

// waitFor waits until the server serves, or refuses, requests.
func (p *fullProbe) waitFor(ctx context.Context, serves bool) error {
	for begun := time.Now(); time.Since(begun) < faultPatience; time.Sleep(5 * time.Millisecond) {
		a, err := p.server.call(ctx, "Encrypt", map[string]any{"KeyId": p.used, "Plaintext": []byte("x")})
		switch {
		case err != nil:
			return fmt.Errorf("Encrypt: %w", err)
		case serves == (a.status == 200):
			return nil
		case a.status != 200 && (a.status != 500 || a.kind != "KMSInternalException"):
			return fmt.Errorf("Encrypt on a full disk: %d %s", a.status, a.body)
		}
	}
	return fmt.Errorf("after %v requests are still served: %v", faultPatience, !serves)
}

// checkWhileFull checks which operations work while the disk is full.
func (p *fullProbe) checkWhileFull(ctx context.Context) error {
	return errors.Join(
		p.expect(ctx, 500, "EnableKey", map[string]any{"KeyId": p.open}),
		p.expect(ctx, 500, "PutKeyPolicy", map[string]any{"KeyId": p.open, "Policy": "{}"}),
		p.expect(ctx, 200, "DisableKey", map[string]any{"KeyId": p.open}),
		p.expect(ctx, 400, "DisableKey", map[string]any{"KeyId": "no-such-key"}),
		p.waitForExpiry())
}

// waitForExpiry waits until the audit log says that the material expired.
func (p *fullProbe) waitForExpiry() error {
	for time.Since(p.expiry) < faultPatience {
		log, err := os.ReadFile(filepath.Join(p.server.data, host.AuditName))
		if err != nil {
			return err
		}
		for line := range bytes.Lines(log) {
			if bytes.Contains(line, []byte("DeleteExpiredKeyMaterial")) && bytes.Contains(line, []byte(p.expires)) {
				return nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("the material did not expire within %v", faultPatience)
}

// checkAfterwards checks that the changes made on a full disk are there.
func (p *fullProbe) checkAfterwards(ctx context.Context) error {
	for key, state := range map[string]string{p.open: "Disabled", p.expires: "PendingImport", p.used: "Enabled"} {
		a, err := p.server.call(ctx, "DescribeKey", map[string]any{"KeyId": key})
		if got := a.member("KeyMetadata", "KeyState"); got != state {
			return fmt.Errorf("a key is %v, not %s: %w", got, state, err)
		}
	}
	return nil
}

// fill takes up all space.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	for err = nil; err == nil; {
		_, err = f.Write(block[:512])
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
}
