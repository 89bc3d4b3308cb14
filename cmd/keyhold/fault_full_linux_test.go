package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFullDisk fills the disk under keyhold serve while it is under load, again
// and again. The program stops and says why; nothing is damaged; and with space
// again it goes on with all that it had acknowledged. KEYHOLD_FILLS is how often.
func TestFullDisk(t *testing.T) {
	disk := t.TempDir()
	needs(t, "mount", func() error { return syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=48m") })
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	fills := fromEnv("KEYHOLD_FILLS", 3)
	l := newFaultLoad(initFolder(t, buildProgram(t), filepath.Join(disk, "data")), 4)
	l.mayFail = true
	for range fills {
		s := l.start(t)
		filler := filepath.Join(disk, "filler")
		l.run(t, s, func() { fill(t, filler); s.wait() })
		var exit *exec.ExitError
		if !errors.As(s.err, &exit) || exit.ExitCode() != exitFailed || !strings.Contains(s.stderr.String(), "no space left on device") {
			t.Errorf("the server ended, %v, and does not say why:\n%s", s.err, s.stderr)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		s = l.start(t)
		l.inspect(t, s)
		if err := s.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	}
	l.finish(t, l.start(t))
	t.Logf("%d times a full disk: %d operations, %d acknowledged changes, 0 lost", fills, l.operations, len(l.acknowledged))
	if len(l.acknowledged) < 10*fills {
		t.Error("hardly anything was going on: the test tested nothing")
	}
}

// fill takes up all space but a little.
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
	info, statErr := f.Stat()
	if !errors.Is(err, syscall.ENOSPC) || statErr != nil {
		t.Error(err, statErr)
		return
	}
	if err := f.Truncate(max(0, info.Size()-256<<10)); err != nil {
		t.Error(err)
	}
}
