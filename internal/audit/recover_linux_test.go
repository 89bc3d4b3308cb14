package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// Open syncs the folder of the log. In a folder where files can be created but which cannot be opened, Open
// fails.
func TestOpenSyncsTheFolder(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "sealed")
	if err := errors.Join(os.Chmod(filepath.Dir(parent), 0o711), os.Chmod(parent, 0o711), os.Mkdir(dir, 0o300)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) })
	opened := make(chan error)
	go func() {
		runtime.LockOSThread() // not unlocked, so that the thread ends with the goroutine
		if os.Getuid() == 0 {  // root can open every folder, so act as another user
			const nobody = 65534
			if err := errors.Join(os.Chown(dir, nobody, nobody), syscall.Setfsuid(nobody)); err != nil {
				opened <- err
				return
			}
		}
		l, err := Open(filepath.Join(dir, "audit.log"), Options{})
		if err == nil {
			err = errors.Join(errors.New("it was opened"), l.Close())
		}
		opened <- err
	}()
	if err := <-opened; !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "audit.log")); err != nil {
		t.Errorf("the file was not made, so this tested nothing: %v", err)
	}
}
