package anchor

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/keyhold/keyhold/internal/space"
)

// A file that has the newest checkpoint, on a volume without space for the next one, is an error before this is written.
func TestVolumeWithoutSpace(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("needs mount(2):", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	l, a := newLog(t, "line", 5), File{filepath.Join(disk, "anchor")}
	keep := func() error {
		_, err := a.Keep(t.Context(), at(t, l, 5), 0)
		return err
	}
	for range 2 {
		if err := keep(); err != nil {
			t.Fatal(err)
		}
	}
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !space.Lacks(err) {
		t.Fatal(err)
	}
	if err := keep(); !space.Lacks(err) || Refuted(err) {
		t.Errorf("on a full volume: %v", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := keep(); err != nil {
		t.Error(err)
	}
}
