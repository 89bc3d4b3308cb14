//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// A trial is a data folder for keyhold serve that is treated badly, and what the
// server acknowledged over it.
type trial struct {
	program, data string
	id, secret    string // credentials
	stderr        *lockedBuffer
	p             *program

	mu   sync.Mutex
	keys map[string][]byte // acknowledged: key ID to a ciphertext under it
}

// lockedBuffer is what a running program writes to and a test reads.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var initKeys = regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\n.*AWS_SECRET_ACCESS_KEY=(\S+)`)

// newTrial makes the folder; the root key lies elsewhere.
func newTrial(t *testing.T, program, data string) *trial {
	t.Helper()
	tr := &trial{program: program, data: data, keys: map[string][]byte{}}
	out, err := exec.CommandContext(t.Context(), program, "init", "--data", data, "--root-key-file", tr.rootKey()).CombinedOutput()
	found := initKeys.FindStringSubmatch(string(out))
	if err != nil || found == nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	tr.id, tr.secret = found[1], found[2]
	return tr
}

func (tr *trial) rootKey() string { return tr.program + ".root-key" }

func (tr *trial) serveArgs() []string {
	return []string{"serve", "--data", tr.data, "--root-key-file", tr.rootKey(), "--addr", "127.0.0.1:0"}
}

func (tr *trial) start(t *testing.T) {
	t.Helper()
	tr.stderr = &lockedBuffer{}
	tr.p = startCommand(t, tr.stderr, tr.program, tr.serveArgs()...)
}

func (tr *trial) client() *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: aws.String(tr.p.endpoint), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(tr.id, tr.secret, ""),
	})
}

// add makes a key and encrypts under it, and notes what was acknowledged.
func (tr *trial) add(ctx context.Context, c *kms.Client) error {
	out, err := c.CreateKey(ctx, &kms.CreateKeyInput{})
	if err != nil {
		return err
	}
	id := out.KeyMetadata.KeyId
	tr.note(*id, nil)
	enc, err := c.Encrypt(ctx, &kms.EncryptInput{KeyId: id, Plaintext: []byte(*id)})
	if err == nil {
		tr.note(*id, enc.CiphertextBlob)
	}
	return err
}

func (tr *trial) note(id string, blob []byte) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.keys[id] = blob
}

// addUntilRefused adds keys, several at a time, until the server refuses or is
// gone.
func (tr *trial) addUntilRefused(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for tr.add(ctx, tr.client()) == nil {
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		t.Errorf("nothing was refused in 20 s; the fault did not come about\n%s", tr.stderr)
	}
}

// wantStopped waits for the end of the program by itself, with a message that
// has the given words.
func (tr *trial) wantStopped(t *testing.T, words ...string) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- tr.p.cmd.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the program ended with exit code 0")
		}
	case <-time.After(20 * time.Second):
		tr.p.cmd.Process.Kill()
		t.Errorf("the program goes on\n%s", tr.stderr)
	}
	for _, w := range words {
		if !strings.Contains(tr.stderr.String(), w) {
			t.Errorf("the operator is not told %q:\n%s", w, tr.stderr)
		}
	}
}

// wantKept checks that all that was acknowledged is there.
func (tr *trial) wantKept(t *testing.T) {
	t.Helper()
	c := tr.client()
	for id, blob := range tr.keys {
		if _, err := c.DescribeKey(t.Context(), &kms.DescribeKeyInput{KeyId: &id}); err != nil {
			t.Errorf("the acknowledged key %s: %v", id, err)
			continue
		}
		if blob == nil {
			continue
		}
		dec, err := c.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob})
		if err != nil || string(dec.Plaintext) != id {
			t.Errorf("the ciphertext under %s: %v", id, err)
		}
	}
}

// wantSound runs keyhold verify.
func (tr *trial) wantSound(t *testing.T) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), tr.program, "verify", "--data", tr.data, "--root-key-file", tr.rootKey()).CombinedOutput()
	if err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

func fromEnvironment(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

// TestSyncFaults has the kernel refuse a sync at one point after another: the
// first in a run at first, later that after one more change each time. After a
// refused sync nothing is acknowledged that is not there, and the program stops.
func TestSyncFaults(t *testing.T) {
	faults := fromEnvironment("KEYHOLD_FSYNCS", 10)
	tr := newTrial(t, buildProgram(t), filepath.Join(t.TempDir(), "data"))
	atStart, inRun := 0, 0
	for i := range faults {
		if n := i/2 + 1; i%2 == 0 && n <= 12 && tr.failAtStart(t, n) {
			atStart++
		} else {
			tr.failAfter(t, i)
			inRun++
		}
		tr.start(t) // without faults
		tr.wantKept(t)
		tr.p.kill(t)
		if t.Failed() {
			t.FailNow()
		}
	}
	tr.wantSound(t)
	t.Logf("%d refused syncs, %d at the start and %d in a run: %d acknowledged keys, 0 lost; the program stopped each time", faults, atStart, inRun, len(tr.keys))
}

// failAtStart has the n-th sync of each thread refused from the start. It
// returns whether that was before the server was ready.
func (tr *trial) failAtStart(t *testing.T, n int) bool {
	t.Helper()
	args := append([]string{"-f", "-qq", "-o", os.DevNull, "-e", fmt.Sprintf("inject=fsync,fdatasync:error=EIO:when=%d", n), tr.program}, tr.serveArgs()...)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "strace", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil || bytes.Contains(out, []byte("endpoint")) {
		return false // no sync of the start was the n-th of its thread
	}
	if err == nil || !bytes.Contains(out, []byte("input/output error")) {
		t.Errorf("a start whose sync %d was refused: %v\n%s", n, err, out)
	}
	return true
}

// failAfter lets i changes go well and has the next sync refused: by turns one
// of the database, or one of the slots and of the audit log.
func (tr *trial) failAfter(t *testing.T, i int) {
	t.Helper()
	tr.start(t)
	for range i % 20 {
		if err := tr.add(t.Context(), tr.client()); err != nil {
			t.Fatal(err)
		}
	}
	call := []string{"fdatasync", "fsync"}[i/2%2]
	strace := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-o", os.DevNull, "-e", "inject="+call+":error=EIO:when=1+", "-p", strconv.Itoa(tr.p.cmd.Process.Pid))
	if err := strace.Start(); err != nil {
		t.Fatal(err)
	}
	tr.addUntilRefused(t)
	tr.wantStopped(t, "input/output error", "nothing more can be promised")
	strace.Wait()
}

// TestFullDisk fills the disk under the server, again and again: no damage, the
// operator is told, and with space again it goes on where it was.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may mount a small file system")
	}
	disk := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", disk).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v\n%s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", disk).Run() })
	tr := newTrial(t, buildProgram(t), filepath.Join(disk, "data"))
	filler := filepath.Join(disk, "filler")
	for range fromEnvironment("KEYHOLD_FILLS", 3) {
		tr.start(t)
		before := len(tr.keys)
		fill(t, filler)
		tr.addUntilRefused(t)
		tr.wantStopped(t, "no space left on device")
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		tr.start(t)
		tr.wantKept(t)
		if err := tr.add(t.Context(), tr.client()); err != nil {
			t.Errorf("with space again: %v", err)
		}
		tr.p.kill(t)
		tr.wantSound(t)
		t.Logf("%d keys acknowledged before the disk was full, %d in all, 0 lost", len(tr.keys)-before, len(tr.keys))
		if t.Failed() {
			t.FailNow()
		}
	}
}

// fill takes up all space but a little.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, os.ErrInvalid) && !strings.Contains(err.Error(), "no space left") {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(max(0, info.Size()-256<<10)); err != nil {
		t.Fatal(err)
	}
}
