//go:build unix

package guarded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The rule as a table: the owner (me, root, other) and the modes that are allowed for it.
func TestSecrets(t *testing.T) {
	const me, other = 1000, 1001
	for uid, good := range map[int]string{
		me:    "0600 0400 0700 0500 0000 0200",
		0:     "0600 0400 0700 0500 0000 0200 0640 0440 0740",
		other: "",
	} {
		for mode := fs.FileMode(0); mode <= 0o777; mode++ {
			wrong := file{uid, mode}.secretFault(me, "/etc/key")
			closed := mode&0o077 == 0 || uid == 0 && mode&0o037 == 0
			if want := uid != other && closed; want != (wrong == "") {
				t.Errorf("owner %d, mode %04o: %q", uid, mode, wrong)
			}
		}
		for _, text := range strings.Fields(good) {
			var mode fs.FileMode
			for _, digit := range text {
				mode = mode<<3 | fs.FileMode(digit-'0')
			}
			if wrong := (file{uid, mode}).secretFault(me, "/etc/key"); wrong != "" {
				t.Errorf("owner %d, mode %04o: %s", uid, mode, wrong)
			}
		}
	}
	for f, want := range map[file]string{
		{me, 0o644}:    "may be read or changed by others (mode 0644): run chmod 600 '/etc/my key'",
		{0, 0o644}:     "may be read or changed by others (mode 0644): run chmod 640 '/etc/my key'",
		{other, 0o600}: "belongs to the user 1001, and this program runs as the user 1000: run chown 1000 '/etc/my key' && chmod 600 '/etc/my key'",
	} {
		if got := f.secretFault(me, "/etc/my key"); got != want {
			t.Errorf("%+v: %s", f, got)
		}
	}
	if wrong := (file{0, 0o640}).secretFault(0, "/etc/key"); wrong != "" { // root in a container
		t.Error(wrong)
	}
}

func TestFolders(t *testing.T) {
	const me, other = 1000, 1001
	for mode := fs.FileMode(0); mode <= 0o777; mode++ {
		if got := (file{me, mode}).folderFault(me, "/data") == (Fault{}); got != (mode&0o022 == 0) {
			t.Errorf("folder of mode %04o: %v", mode, got)
		}
		if got := (file{me, mode}).dataFault(me, "/data", "/data/slots") == (Fault{}); got != (mode&0o037 == 0) {
			t.Errorf("file of mode %04o: %v", mode, got)
		}
		for _, uid := range []int{0, other} {
			if (file{uid, mode}).folderFault(me, "/data") == (Fault{}) || (file{uid, mode}).dataFault(me, "/data", "/data/slots") == (Fault{}) {
				t.Errorf("owner %d, mode %04o is accepted", uid, mode)
			}
		}
	}
	if got := (file{0, 0o700}).folderFault(me, "/data").Error(); !strings.Contains(got, "run chown -R 1000 /data, or") {
		t.Error(got)
	}
}

func TestReadSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	read := func(at string, limit int) string {
		content, err := ReadSecret("the key", at, limit)
		if err != nil {
			return err.Error()
		}
		return string(content)
	}
	for _, at := range []string{path, link} {
		if got := read(at, 6); got != "secret" {
			t.Error(got)
		}
	}
	if got := read(path, 5); got != "the key "+path+" has more than 5 bytes" {
		t.Error(got)
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if got := read(link, 6); !strings.Contains(got, "mode 0604") { // of the target, not of the link, whose mode is 0777
		t.Error(got)
	}
	if _, err := ReadSecret("the key", path+".missing", 6); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.Chmod(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := read(filepath.Dir(path), 6); !strings.HasPrefix(got, "read the key: ") {
		t.Error(got)
	}
	pipe := path + ".pipe"
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	go os.WriteFile(pipe, []byte("piped"), 0) // like <(command) in a shell
	if got := read(pipe, 6); got != "piped" {
		t.Error(got)
	}
}

func TestCheckFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(dir, "slots")
	if err := CheckFolder(dir, file); err != nil {
		t.Errorf("a missing file: %v", err)
	}
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   string
		mode fs.FileMode
		good bool
	}{{dir, 0o755, true}, {dir, 0o770, false}, {dir, 0o702, false}, {dir, 0o700, true}, {file, 0o644, false}, {file, 0o640, true}, {file, 0o660, false}} {
		if err := os.Chmod(c.at, c.mode); err != nil {
			t.Fatal(err)
		}
		if err := CheckFolder(dir, file, filepath.Join(dir, "missing")); (err == nil) != c.good {
			t.Errorf("%s, %04o: %v", c.at, c.mode, err)
		}
	}
}
