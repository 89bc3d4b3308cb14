package host

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
)

// A node keeps its ID, and only one process has it.
func TestNodeID(t *testing.T) {
	path := filepath.Join(t.TempDir(), NodeName)
	id, f, err := openNodeID(path)
	if err != nil || !records.ValidNodeID(id) {
		t.Fatal(id, err)
	}
	if _, second, err := openNodeID(path); !errors.Is(err, store.ErrInUse) {
		t.Errorf("a second process: %v", err)
	} else {
		second.Close()
	}
	f.Close()
	again, f, err := openNodeID(path)
	if err != nil || again != id {
		t.Errorf("%q after %q: %v", again, id, err)
	}
	f.Close()
	for _, text := range []string{"", "\n", "a/b\n", strings.Repeat("a", 65)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, f, err := openNodeID(path)
		if err == nil {
			t.Errorf("%q is taken for an ID", text)
		}
		f.Close()
	}
}

func TestNodeFolders(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"empty", nil, ""},
		{"of a node", map[string]string{NodeName: "X\n", AuditName: "{}\n"}, ""},
		{"with an empty log", map[string]string{AuditName: ""}, ""},
		{"of a server of one process", map[string]string{local.FileName: "x", AuditName: "{}\n"}, "has a database of its own"},
		{"with a log of something else", map[string]string{AuditName: "{}\n"}, "has an audit log, and no file node-id"},
	} {
		data := t.TempDir()
		for name, text := range test.files {
			if err := os.WriteFile(filepath.Join(data, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(data, 0o700); err != nil {
			t.Fatal(err)
		}
		err := checkNodeFolder(data)
		if (err == nil) != (test.want == "") || err != nil && (!errors.Is(err, ErrOtherFolder) || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("a folder %s: %v", test.name, err)
		}
	}
	fresh := filepath.Join(t.TempDir(), "fresh")
	if err := checkNodeFolder(fresh); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(fresh); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the new folder: %v, %v", info, err)
	}
	if err := os.Chmod(fresh, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := checkNodeFolder(fresh); err == nil {
		t.Error("others may write to the folder")
	}
}

// The URL of a store reaches no engine if it is wrong, and its error does not repeat a password.
func TestWrongURL(t *testing.T) {
	s, err := OpenStore(t.Context(), "etcd://keyhold:hunter2@127.0.0.1:1/p", nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The file of the last heartbeat has the number that was kept last. A file that has no number is refused.
func TestBeats(t *testing.T) {
	path := filepath.Join(t.TempDir(), BeatName)
	for _, beat := range []int64{0, 1, 12, math.MaxInt64} {
		b, err := openBeats(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(b.Keep(beat), b.Close()); err != nil {
			t.Fatal(err)
		}
		if b, err = openBeats(path); err != nil || b.Beat() != beat {
			t.Fatalf("%v, %v after %d", b, err, beat)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"", "\n", "1\n", "x\n", string(beatLine(1)) + "0", strings.Repeat("\x00", 20), "-" + string(beatLine(1))[1:]} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openBeats(path); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%q is taken for the number of a heartbeat: %v", text, err)
		}
	}
}
