package custody

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/secrettest"
)

func open(path string) (seal.Root, error) { return KeyFile(path).Open(nil) }

func create(path string) error {
	_, err := KeyFile(path).Create(nil)
	return err
}
func newKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.key")
	if err := create(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeyFile(t *testing.T) {
	path := newKeyFile(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^keyhold-root-key-v1:[A-Za-z0-9+/]{43}=\n$`).Match(text) {
		t.Error("the file is not of one line as documented")
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	root, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	_, kept, err := seal.NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path string
		want error
	}{"the same": {path, nil}, "another": {newKeyFile(t), seal.ErrWrongRoot}} {
		root, err := open(test.path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := seal.OpenKeyring(t.Context(), root, kept); !errors.Is(err, test.want) {
			t.Errorf("%s file: %v", name, err)
		}
	}
}

func TestCreateKeyFileOverwritesNothing(t *testing.T) {
	path := newKeyFile(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	dangling := filepath.Join(t.TempDir(), "dangling")
	if err := errors.Join(os.Symlink(path, link), os.Symlink(dangling+".key", dangling)); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, link, dangling, t.TempDir()} {
		if err := create(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file was changed: %v", err)
	}
	if err := create(filepath.Join(path, "below")); err == nil {
		t.Error("created below a file")
	}
	if err := create(filepath.Join(t.TempDir(), "missing", "root.key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a missing folder: %v", err)
	}
}

func TestOpenKeyFileOfOpenMode(t *testing.T) {
	path := newKeyFile(t)
	for mode, good := range map[fs.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true,
		0o644: false, 0o640: os.Geteuid() == 0, 0o604: false, 0o660: false, 0o666: false, 0o610: false, 0o602: false, 0o777: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		root, err := open(path)
		if good {
			if err != nil {
				t.Errorf("%04o: %v", mode, err)
			}
		} else if root != nil || err == nil || !strings.Contains(err.Error(), path) || !strings.HasSuffix(err.Error(), ": run chmod 600 "+path) {
			t.Errorf("%04o: %v", mode, err)
		}
	}
}

func TestOpenKeyFileRefuses(t *testing.T) {
	const prefix = "keyhold-root-key-v1:"
	k := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xa5}, 32))
	path := filepath.Join(t.TempDir(), "root.key")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"empty":            "",
		"a newline":        "\n",
		"no key":           prefix + "\n",
		"no prefix":        k + "\n",
		"another version":  "keyhold-root-key-v2:" + k + "\n",
		"another case":     strings.ToUpper(prefix) + k + "\n",
		"31 bytes":         prefix + base64.StdEncoding.EncodeToString(make([]byte, 31)) + "\n",
		"33 bytes":         prefix + base64.StdEncoding.EncodeToString(make([]byte, 33)) + "\n",
		"raw bytes":        prefix + strings.Repeat("\xa5", 32),
		"hexadecimal":      prefix + strings.Repeat("a5", 32) + "\n",
		"URL alphabet":     prefix + base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 32)) + "\n",
		"no padding":       prefix + strings.TrimRight(k, "=") + "\n",
		"stray final bits": prefix + k[:42] + "V=\n",
		"text before":      "x" + prefix + k + "\n",
		"a space between":  prefix + " " + k + "\n",
		"text after":       prefix + k + "x\n",
		"a space after":    prefix + k + " \n",
		"a second line":    prefix + k + "\nmore\n",
		"two keys":         prefix + k + "\n" + prefix + k + "\n",
		"zero bytes after": prefix + k + "\n\x00\x00",
		"a mark before":    "\ufeff" + prefix + k + "\n",
	} {
		write(text)
		root, err := open(path)
		if root != nil || err == nil || !strings.Contains(err.Error(), "is not a root key file") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), k[:8]) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
	for _, text := range []string{prefix + k, prefix + k + "\n"} { // an editor may have removed the newline
		write(text)
		if _, err := open(path); err != nil {
			t.Errorf("%q: %v", text[len(prefix)+len(k):], err)
		}
	}
	if root, err := open(path + ".missing"); root != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if root, err := open(t.TempDir()); root != nil || err == nil {
		t.Error("a folder is accepted")
	}
}

// Creating and opening a root key file leave no copy of its text in memory, and one of its key in each Root.
func TestKeyFileIsCleared(t *testing.T) {
	secrettest.KeepGarbage(t)
	path := filepath.Join(t.TempDir(), "root.key")
	secrettest.Alone(func() {
		if err := create(path); err != nil {
			t.Error(err)
		}
	})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	p := secrettest.Of(text[len(keyFilePrefix) : len(text)-1])
	key, err := base64.StdEncoding.AppendDecode(nil, text[len(keyFilePrefix):len(text)-1])
	if err != nil {
		t.Fatal(err)
	}
	binary := secrettest.Take(key)
	clear(text)
	if n, m := secrettest.Copies(t, p), secrettest.Copies(t, binary); n != 0 || m > 1 {
		t.Errorf("%d copies of the text and %d of the key remain after creating", n, m)
	}
	root, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, m := secrettest.Copies(t, p), secrettest.Copies(t, binary); n != 0 || m > 2 {
		t.Errorf("%d copies of the text and %d of the key remain after opening", n, m)
	}
	runtime.KeepAlive(root)
}

func TestSizeOfAKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.key")
	for size, want := range map[int]string{4096: "is not a root key file", 4097: "has more than 4096 bytes"} {
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
