package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestRoot(t *testing.T) {
	root := NewEphemeralRoot()
	secret := []byte("a secret of 32 bytes, as keys are")
	wrapped, err := root.Wrap(t.Context(), secret, "context")
	if err != nil {
		t.Fatal(err)
	}
	unwrap := func(root Root, wrapped []byte, context string, want []byte) {
		t.Helper()
		got, err := root.Unwrap(t.Context(), wrapped, context)
		if want != nil && (err != nil || !bytes.Equal(got, want)) || want == nil && (got != nil || err != errOpen) {
			t.Errorf("%d bytes in %q: %q, %v", len(wrapped), context, got, err)
		}
	}
	unwrap(root, wrapped, "context", secret)
	unwrap(NewEphemeralRoot(), wrapped, "context", nil)
	for _, context := range []string{"", "Context", "context ", "contex"} {
		unwrap(root, wrapped, context, nil)
	}
	for bit := range 8 * len(wrapped) {
		damaged := bytes.Clone(wrapped)
		damaged[bit/8] ^= 1 << (bit % 8)
		unwrap(root, damaged, "context", nil)
	}
	for n := range wrapped {
		unwrap(root, wrapped[:n], "context", nil)
	}
	unwrap(root, append(bytes.Clone(wrapped), 0), "context", nil)
	again, err := root.Wrap(t.Context(), secret, "context")
	if err != nil || bytes.Equal(again, wrapped) || bytes.Contains(wrapped, secret[:8]) {
		t.Errorf("wrapped twice: %v", err)
	}
}

// A root key wraps only data keys. A wrapped value is not a sealed value of a data key with the same bytes.
func TestRootIsNoDataKey(t *testing.T) {
	k := bytes.Repeat([]byte{1}, 32)
	r := keyringOf(&dataKeys{newest: 1, keys: map[uint32][]byte{1: k}})
	wrapped, err := localRoot{k}.Wrap(t.Context(), []byte("secret"), "")
	if err != nil {
		t.Fatal(err)
	}
	wantClosed(t, "wrapped by the root", r.Records(), "", append([]byte{1, 0, 0, 0, 1}, wrapped...))
	if got, err := (localRoot{k}).Unwrap(t.Context(), mustSeal(t, r.Records(), "", "value")[5:], ""); got != nil || err != errOpen {
		t.Errorf("sealed by the data key: %q, %v", got, err)
	}
}

func newKeyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "root.key")
	if err := CreateKeyFile(path); err != nil {
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
	root, err := OpenKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, kept, err := NewKeyring(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path string
		want error
	}{"the same": {path, nil}, "another": {newKeyFile(t), ErrWrongRoot}} {
		root, err := OpenKeyFile(test.path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenKeyring(t.Context(), root, kept); err != test.want {
			t.Errorf("%s file: %v", name, err)
		}
	}
}

// Overwriting a root key would lose everything that was sealed with it.
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
		if err := CreateKeyFile(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file was changed: %v", err)
	}
	if err := CreateKeyFile(filepath.Join(path, "below")); err == nil {
		t.Error("created below a file")
	}
	if err := CreateKeyFile(filepath.Join(t.TempDir(), "missing", "root.key")); !errors.Is(err, fs.ErrNotExist) {
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
		root, err := OpenKeyFile(path)
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
		root, err := OpenKeyFile(path)
		if root != nil || err == nil || !strings.Contains(err.Error(), "is not a root key file") {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), k[:8]) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
	for _, text := range []string{prefix + k, prefix + k + "\n"} { // an editor may have removed the newline
		write(text)
		if _, err := OpenKeyFile(path); err != nil {
			t.Errorf("%q: %v", text[len(prefix)+len(k):], err)
		}
	}
	if root, err := OpenKeyFile(path + ".missing"); root != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	if root, err := OpenKeyFile(t.TempDir()); root != nil || err == nil {
		t.Error("a folder is accepted")
	}
}
