package private

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// No user can connect to the socket between its creation and the change of its mode, whatever the umask is.
func TestSocketIsNeverOpenToOthers(t *testing.T) {
	dir, err := os.MkdirTemp("", "s") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	defer syscall.Umask(syscall.Umask(0))
	path := filepath.Join(dir, "s")
	l, err := (&net.ListenConfig{Control: closeToOthers}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
