package space

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAllocate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	content := []byte("content")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := Allocate(f, 0, 1<<20); err != nil {
		t.Fatal(err)
	}
	var s syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &s); err != nil || s.Blocks*512 < 1<<20 || s.Size != int64(len(content)) {
		t.Errorf("%v: %d bytes allocated, size %d", err, s.Blocks*512, s.Size)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
		t.Errorf("the file has %q, %v", got, err)
	}
	size, err := Size(dir)
	if err != nil || size < 1<<20 {
		t.Fatalf("the volume has %d bytes, %v", size, err)
	}
	if err := enoughFree(int(f.Fd()), 1); err != nil {
		t.Error(err)
	}
	if err := enoughFree(int(f.Fd()), math.MaxInt64); !Lacks(err) {
		t.Errorf("more than the volume has: %v", err)
	}
	closed, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if err := Allocate(closed, 0, 1); err == nil || Lacks(err) {
		t.Errorf("of a closed file: %v", err)
	}
}
