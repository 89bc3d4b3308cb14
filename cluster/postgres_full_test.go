package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// smallDisk mounts a small disk in memory for the unprivileged user.
func smallDisk(t *testing.T, size string) (folder string) {
	t.Helper()
	folder = pgFolder(t, false)
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "none", folder).CombinedOutput()
	if err != nil {
		t.Skipf("a small disk needs mount(8): %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", folder).Run() })
	if os.Getuid() == 0 {
		uid, gid := otherUser(t)
		must(t, os.Chown(folder, uid, gid))
	}
	return folder
}

// onSmallDisk starts a server whose data are on a small disk, and its write-ahead log on another one, so that the server
// goes on when the disk is full.
func onSmallDisk(t *testing.T, size string) *pgServer {
	t.Helper()
	s := &pgServer{folder: smallDisk(t, size), address: freeAddress(t)}
	makePostgres(t, s.folder)
	logs, own := filepath.Join(pgFolder(t, true), "wal"), filepath.Join(s.folder, "data", "pg_wal")
	for _, c := range [][]string{{"cp", "-a", own, logs}, {"rm", "-r", own}, {"ln", "-s", logs, own}} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	s.start(t, "autovacuum=off")
	return s
}

// fill takes nearly all space of the disk of the server, until free gives it back.
func (s *pgServer) fill(t *testing.T) (free func()) {
	t.Helper()
	var disk syscall.Statfs_t
	must(t, syscall.Statfs(s.folder, &disk))
	file := filepath.Join(s.folder, "ballast")
	must(t, os.WriteFile(file, make([]byte, int64(disk.Bavail)*disk.Bsize-1<<18), 0o600))
	return func() { must(t, os.Remove(file)) }
}

// A lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// A server without space for its data refuses commits and slots as a full disk, for certain. The Backend says so once,
// and works when there is space again.
func TestPostgresWithoutSpace(t *testing.T) {
	t.Parallel()
	server := onSmallDisk(t, "100m")
	c := pgConfig(t, server)
	var log lockedBuffer
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	b := pgOpen(t, c)
	put(t, b, "a", "1")
	free := server.fill(t)
	var err error
	var last string
	for i := 0; err == nil && i < 100; i++ {
		last = fmt.Sprint("large", i)
		_, err = b.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: []byte(last), Value: make([]byte, 1<<19)}}})
	}
	if !errors.Is(err, space.ErrFull) || errors.Is(err, store.ErrUnknown) {
		t.Fatalf("a commit without space: %v", err)
	}
	if has(t, b, last) || !has(t, b, "a") {
		t.Error("the refused commit was made, or an acknowledged one is lost")
	}
	for i := 0; err == nil || errors.Is(err, space.ErrFull) && i < 10; i++ {
		_, err = b.Slots().Put(t.Context(), make([]byte, store.SlotSize)) // a full page makes it lack space
		if err != nil && !errors.Is(err, space.ErrFull) {
			t.Errorf("a slot without space: %v", err)
		}
	}
	free()
	waitFor(t, "the log says that there is space", func() bool {
		put(t, b, "b", "1")
		return strings.Contains(log.String(), "has disk space again")
	})
	if n := strings.Count(log.String(), "has no disk space"); n != 1 {
		t.Errorf("the log names the full disk %d times:\n%s", n, &log)
	}
}

// A node on a server without space refuses changes, says why, and goes on with what needs no change. When there is space
// again, it makes changes without a restart, and nothing is damaged.
func TestNodeOnPostgresWithoutSpace(t *testing.T) {
	t.Parallel()
	server := onSmallDisk(t, "100m")
	d := deploymentAt(t, server.url("keyhold"))
	d.init()
	n := d.serve("one")
	m := madeKeys{T: t}
	m.make(n)
	free := server.fill(t)
	long := strings.Repeat("x", 8000)
	c := n.client()
	var err error
	once := func(o *kms.Options) { o.RetryMaxAttempts = 1 }
	for i := 0; err == nil && i < 1000; i++ {
		_, err = c.CreateKey(t.Context(), &kms.CreateKeyInput{Description: &long}, once)
	}
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "KMSInternalException" {
		t.Errorf("a change without space: %v", err)
	}
	m.use(n)
	free()
	waitFor(t, "a change with space", func() bool {
		_, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{Description: &long}, once)
		return err == nil
	})
	begun := time.Now()
	waitFor(t, "a while without refusals", func() bool {
		_, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{}, once)
		return err != nil || time.Since(begun) > 3*time.Second
	})
	m.use(n)
	n.end(syscall.SIGTERM)
	for _, line := range []string{"PostgreSQL has no disk space", "could not extend file", "has disk space again"} {
		if !strings.Contains(n.log.String(), line) {
			t.Errorf("the log lacks %q:\n%s", line, n.log)
		}
	}
	d.must(" is sound", "verify", "--store", d.url, "--data", "one", "--root-key-file", "root.key")
}

// A full disk that also has the write-ahead log may end the server. It loses nothing that was acknowledged.
func TestPostgresFullDisk(t *testing.T) {
	inFullOnly(t)
	t.Parallel()
	server := &pgServer{folder: smallDisk(t, "120m"), address: freeAddress(t)}
	makePostgres(t, server.folder)
	settings := []string{"max_wal_size=32MB", "min_wal_size=32MB", "restart_after_crash=on"}
	server.start(t, settings...)
	c := pgConfig(t, server)
	c.Timeout = 10 * time.Second
	b := pgOpen(t, c)
	made := map[string]bool{}
	failures := 0
	for i := 0; failures < 5 && i < 1000; i++ {
		key := fmt.Sprint(i)
		value := make([]byte, 1<<19)
		for j := range value {
			value[j] = byte(rand.Int())
		}
		_, err := b.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: []byte(key), Value: value}}})
		if made[key] = err == nil; err != nil {
			failures++
			if !errors.Is(err, space.ErrFull) && !errors.Is(err, store.ErrUnknown) && failures == 1 {
				t.Errorf("a commit without space: %v", err)
			}
			if failures == 1 {
				t.Logf("the first failure, after %d commits: %v", i, err)
			}
		}
	}
	if failures == 0 {
		t.Fatal("the disk does not become full")
	}
	if out, err := exec.Command("mount", "-o", "remount,size=400m", server.folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !isRunning(strconv.Itoa(server.process.Process.Pid)) { // a full write-ahead log ends the server
		server.process.Wait()
		server.start(t, settings...)
	}
	for key, acknowledged := range made {
		if acknowledged && !has(t, b, key) {
			t.Errorf("%s was acknowledged and is lost", key)
		}
	}
	waitFor(t, "a commit with room", func() bool { _, err := b.Commit(t.Context(), write("room")); return err == nil })
}
