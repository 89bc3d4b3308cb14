package space

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A full volume takes no small file, even if it takes the name of the file. The file does not stay.
func TestProbeOfFullVolume(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("needs mount(2):", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	if err := Probe(disk); err != nil {
		t.Fatal(err)
	}
	filler, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	defer filler.Close()
	if _, err := io.Copy(filler, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	if err := Probe(disk); !Lacks(err) {
		t.Errorf("of a full volume: %v", err)
	}
	if left, err := os.ReadDir(disk); err != nil || len(left) != 1 {
		t.Errorf("the volume has %v, %v", left, err)
	}
	if err := os.Truncate(filler.Name(), 0); err != nil {
		t.Fatal(err)
	}
	if err := Probe(disk); err != nil {
		t.Error(err)
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err == nil {
		if err := Probe(disk); !Lacks(err) {
			t.Errorf("of a read-only volume: %v", err)
		}
	}
}

// zeros is an endless Reader.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }
