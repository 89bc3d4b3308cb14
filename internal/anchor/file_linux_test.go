package anchor

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/space"
)

// mountSmall mounts a volume of 64 KiB. fill takes all of its space until free is called.
func mountSmall(t *testing.T) (disk string, fill func() (free func())) {
	t.Helper()
	disk = t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("needs mount(2):", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	filler := filepath.Join(disk, "filler")
	return disk, func() func() {
		if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !space.Lacks(err) {
			t.Fatal(err)
		}
		return func() {
			if err := os.Remove(filler); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A full volume is named before a checkpoint needs space, and is an error of the first checkpoint that needs space.
func TestVolumeWithoutSpace(t *testing.T) {
	disk, fill := mountSmall(t)
	l := newLog(t, "line", 6)
	c := keeperOf(l, 5, t.TempDir(), File{filepath.Join(disk, "anchor")}, true, &bytes.Buffer{})
	k, err := Start(t.Context(), c)
	if err != nil || k.Check(t.Context()) != nil {
		t.Fatal(err, k.Check(t.Context()))
	}
	free := fill()
	if err := k.attempt(t.Context()); err != nil {
		t.Errorf("the same checkpoint, on a full volume: %v", err)
	}
	if err := k.Check(t.Context()); !space.Lacks(err) {
		t.Errorf("the check of a full volume: %v", err)
	}
	c.Log.(*source).size.Store(6)
	if err := k.attempt(t.Context()); !space.Lacks(err) || Refuted(err) {
		t.Errorf("the next checkpoint, on a full volume: %v", err)
	}
	free()
	if err := k.attempt(t.Context()); err != nil || k.Check(t.Context()) != nil {
		t.Error(err, k.Check(t.Context()))
	}
}

// While the volume of the data folder is full, a server with an anchor goes on with the operations that take rights away:
// it refuses requests with a space.ErrFull, because neither the state nor a checkpoint can be written.
func TestDataFolderWithoutSpace(t *testing.T) {
	disk, fill := mountSmall(t)
	synctest.Test(t, func(t *testing.T) {
		var unsigned atomic.Pointer[error]
		l := newLog(t, "line", 12)
		c := keeperOf(l, 10, disk, File{filepath.Join(t.TempDir(), "anchor")}, true, &bytes.Buffer{})
		c.Unsigned = func() error {
			if err := unsigned.Load(); err != nil {
				return *err
			}
			return nil
		}
		free := fill()
		k, err := Start(t.Context(), c)
		if err != nil || !errors.Is(k.Healthy(), space.ErrFull) || k.Lag() != 0 {
			t.Fatal(err, k.Healthy(), k.Lag())
		}
		ctx, cancel := context.WithCancel(t.Context())
		go k.Run(ctx)
		time.Sleep(time.Hour)
		if !errors.Is(k.Healthy(), space.ErrFull) {
			t.Errorf("on a full disk: %v", k.Healthy())
		}
		free()
		c.Log.(*source).size.Store(12)
		time.Sleep(lookEvery + time.Second)
		if text, err := os.ReadFile(c.State); err != nil || !bytes.Contains(text, l.Checkpoint(12)) || k.Healthy() != nil {
			t.Errorf("the state after there was space: %q, %v, %v", text, err, k.Healthy())
		}
		unsigned.Store(new(error(&os.PathError{Op: "write", Path: "checkpoint", Err: syscall.ENOSPC})))
		time.Sleep(patience - time.Second)
		if k.Healthy() != nil || k.Failing() == nil {
			t.Errorf("within a minute without a checkpoint: %v, %v", k.Healthy(), k.Failing())
		}
		time.Sleep(lookEvery * 3)
		if !errors.Is(k.Healthy(), space.ErrFull) {
			t.Errorf("after a minute without a checkpoint: %v", k.Healthy())
		}
		unsigned.Store(nil)
		time.Sleep(lookEvery + time.Second)
		if k.Healthy() != nil || k.Failing() != nil {
			t.Errorf("with a checkpoint again: %v, %v", k.Healthy(), k.Failing())
		}
		cancel()
	})
}

// A full volume of the anchor is a failure of the anchor: all requests are refused.
func TestAnchorWithoutSpaceIsNotAFullDisk(t *testing.T) {
	disk, fill := mountSmall(t)
	c := keeperOf(newLog(t, "line", 12), 10, t.TempDir(), File{filepath.Join(disk, "anchor")}, true, &bytes.Buffer{})
	defer fill()()
	k, err := Start(t.Context(), c)
	if err := k.Healthy(); err == nil || errors.Is(err, space.ErrFull) {
		t.Error(err)
	}
	if err != nil {
		t.Error(err)
	}
}
