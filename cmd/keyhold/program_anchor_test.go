package main

import (
	"bufio"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/anchor"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/programtest"
)

// An anchored deployment is served with flags.
type anchored struct {
	t       *testing.T
	program string
	dir     string
	keys    []string
	stderr  *safeBuffer
}

func newAnchored(t *testing.T) *anchored {
	t.Helper()
	a := &anchored{t: t, program: buildProgram(t), dir: t.TempDir()}
	made, err := exec.CommandContext(t.Context(), a.program, "init", "--data", a.file("data")).CombinedOutput()
	a.keys = regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\n.*AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(string(made))
	if err != nil || a.keys == nil {
		t.Fatalf("%v\n%s", err, made)
	}
	return a
}

func (a *anchored) file(name string) string { return filepath.Join(a.dir, name) }

// start starts the server. The error has its log.
func (a *anchored) start(flags ...string) (*program, error) {
	a.t.Helper()
	a.stderr = &safeBuffer{}
	c := exec.Command(a.program, append([]string{"serve", "--data", a.file("data"), "--addr", "127.0.0.1:0"}, flags...)...)
	c.Stderr = a.stderr
	s, err := programtest.Start(a.t.Context(), c)
	if err != nil {
		return nil, errors.Join(err, errors.New(a.stderr.String()))
	}
	a.t.Cleanup(func() { _ = s.End(os.Kill) }) // reports that it was killed, unless it had ended
	return &program{s, s.Endpoint}, nil
}

// createKey makes one change, and returns the error of the server.
func (a *anchored) createKey(p *program) error {
	c := kms.New(kms.Options{
		BaseEndpoint: aws.String(p.endpoint), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(a.keys[1], a.keys[2], ""),
	})
	_, err := c.CreateKey(a.t.Context(), &kms.CreateKeyInput{})
	return err
}

// serveOnce starts the server, makes a change, and stops the server, so that the anchor has the last checkpoint.
func (a *anchored) serveOnce(flags ...string) {
	a.t.Helper()
	p, err := a.start(flags...)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := a.createKey(p); err != nil {
		a.t.Fatal(err, a.stderr)
	}
	if err := p.End(syscall.SIGTERM); err != nil {
		a.t.Fatal(err, a.stderr)
	}
}

// refused starts the server, which must refuse with a text.
func (a *anchored) refused(what, want string, flags ...string) {
	a.t.Helper()
	if _, err := a.start(flags...); err == nil || !strings.Contains(err.Error(), want) {
		a.t.Errorf("%s: %v", what, err)
	}
}

func (a *anchored) copy(from, to string) {
	a.t.Helper()
	if err := errors.Join(os.RemoveAll(a.file(to)), os.CopyFS(a.file(to), os.DirFS(a.file(from)))); err != nil {
		a.t.Fatal(err)
	}
	if err := filepath.Walk(a.file(to), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.IsDir() {
			return os.Chmod(path, 0o700)
		}
		if err == nil {
			return os.Chmod(path, 0o600)
		}
		return err
	}); err != nil {
		a.t.Fatal(err)
	}
}

// An old copy of the whole data folder is refused by each kind of anchor in both modes, the newest copy is accepted, and
// a log that was moved away begins another one.
func TestAnchoredServer(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"file", "witness"} {
		a := newAnchored(t)
		flags := []string{"--audit-anchor", "file:" + a.file("anchor")}
		if kind == "witness" {
			flags = a.startWitness()
		}
		a.serveOnce(flags...)
		a.copy("data", "old")
		a.serveOnce(flags...)
		a.copy("data", "new")
		for _, mode := range []string{anchorRequired, anchorWarns} {
			with := append(flags[:len(flags):len(flags)], "--audit-anchor-mode", mode)
			a.copy("old", "data")
			a.refused(kind+": an old copy, "+mode, anchor.ErrNewer.Error(), with...)
			a.refused(kind+": an old copy, "+mode+", again", "Restore the newest backup", with...)
		}
		if p, err := a.start(); err != nil {
			t.Errorf("%s: without the flag the old copy is served: %v", kind, err)
		} else if err := errors.Join(a.createKey(p), a.createKey(p), a.createKey(p), a.createKey(p), p.End(syscall.SIGTERM)); err != nil {
			t.Error(err)
		}
		a.refused(kind+": an old copy that went on", anchor.ErrForked.Error(), flags...)
		a.copy("new", "data")
		a.serveOnce(flags...)
		a.copy("old", "data")
		for _, name := range []string{"audit.log", "audit"} {
			if err := os.RemoveAll(filepath.Join(a.file("data"), name)); err != nil {
				t.Fatal(err)
			}
		}
		if kind == "witness" {
			continue // does not know the key of the new log
		}
		a.serveOnce(flags...)
		all, err := anchor.Read(a.file("anchor"))
		if err != nil || len(all) != 2 || all[1].Origin != all[0].Origin+".2" {
			t.Errorf("%s: %+v, %v", kind, all, err)
		}
	}
}

// startWitness starts a witness of the log, and returns the flags that use it.
func (a *anchored) startWitness() []string {
	a.t.Helper()
	a.serveOnce("--audit-anchor", "file:"+a.file("first anchor"))
	key := regexp.MustCompile(`verifierKey=(\S+)`).FindStringSubmatch(a.stderr.String())
	if key == nil {
		a.t.Fatal(a.stderr)
	}
	if err := os.WriteFile(a.file("logs"), []byte(key[1]+"\n"), 0o600); err != nil {
		a.t.Fatal(err)
	}
	w := startWitness(a.t, a.program, "witness", "--data", a.file("witness"), "--logs", a.file("logs"), "--addr", "127.0.0.1:0", "--name", "w")
	return []string{"--audit-anchor", w.endpoint, "--audit-anchor-key", w.key}
}

// A server that requires an anchor refuses requests from its start until the anchor answers. A server that warns serves.
func TestAnchorUnreachable(t *testing.T) {
	t.Parallel()
	a := newAnchored(t)
	folder := a.file("volume")
	flags := []string{"--audit-anchor", "file:" + filepath.Join(folder, "anchor")}
	p, err := a.start(append(flags, "--audit-anchor-mode", anchorWarns)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.createKey(p), p.End(syscall.SIGTERM)); err != nil || !strings.Contains(a.stderr.String(), "no such file or directory") {
		t.Errorf("with warn: %v\n%s", err, a.stderr)
	}
	if p, err = a.start(flags...); err != nil {
		t.Fatal(err)
	}
	if err := a.createKey(p); err == nil || !strings.Contains(err.Error(), "KMSInternalException") {
		t.Errorf("without the anchor: %v", err)
	}
	if !strings.Contains(a.stderr.String(), "requests are refused until the anchor keeps checkpoints") {
		t.Error(a.stderr)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); a.createKey(p) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("the server goes on refusing\n%s", a.stderr)
		}
	}
	if err := p.End(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// Each event of a server reaches a second device, also over a kill of the server, and the device does not hold it up.
func TestForwardingServer(t *testing.T) {
	t.Parallel()
	a := newAnchored(t)
	flags := []string{"--audit-forward", "unix:" + a.file("socket")}
	a.serveOnce(flags...) // without the device
	var got sync.Map
	l, err := net.Listen("unix", a.file("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					if id, err := audit.ID(lines.Bytes()); err == nil {
						got.Store(id, true)
					}
				}
			}()
		}
	}()
	for range 3 {
		p, err := a.start(flags...)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := a.createKey(p); err != nil {
				t.Fatal(err)
			}
		}
		p.kill(t)
	}
	p, err := a.start(flags...)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := audit.OpenFolder(filepath.Join(a.file("data"), "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	missing := func() (id string) {
		for line, err := range folder.Lines(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if id, err = audit.ID(line); err != nil {
				t.Fatal(err)
			}
			if _, ok := got.Load(id); !ok {
				return id
			}
		}
		return ""
	}
	for begun := time.Now(); missing() != ""; time.Sleep(50 * time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("the device does not get event %s of %d\n%s", missing(), folder.Size(), a.stderr)
		}
	}
	if folder.Size() < 31 {
		t.Errorf("%d lines", folder.Size())
	}
	if err := p.End(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// The flags are checked before anything is opened.
func TestDeviceFlags(t *testing.T) {
	for want, o := range map[string]deviceOptions{
		`"sometimes" is neither require nor warn`: {mode: "sometimes"},
		"--audit-anchor-key belongs to":           {mode: anchorWarns, anchorKey: "x"},
		"--audit-anchor: this is not an anchor":   {mode: anchorWarns, anchor: "/x"},
		"not the verifier key of a witness":       {mode: anchorWarns, anchor: "https://w"},
		"belong to it: give --audit-forward":      {mode: anchorWarns, ca: "x"},
		"--audit-forward-key belong together":     {mode: anchorWarns, forward: "unix:/x", cert: "x"},
		"--audit-forward: this is not a target":   {mode: anchorWarns, forward: "logs"},
	} {
		if err := o.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
	dir := t.TempDir()
	for want, o := range map[string]deviceOptions{
		"--audit-forward-ca: open":        {ca: filepath.Join(dir, "none")},
		"has no certificate in PEM":       {ca: "main.go"},
		"the certificate for --audit-for": {cert: "main.go", key: "main.go"},
		"open the token of --audit-for":   {tokenFile: filepath.Join(dir, "none")},
	} {
		if _, err := o.forwardOptions(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", o, err, want)
		}
	}
}
