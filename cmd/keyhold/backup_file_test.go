package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/keyhold/keyhold/internal/backup"
	"github.com/keyhold/keyhold/internal/durable"
)

func writesText(text string) func(io.Writer) (backup.Outer, error) {
	return func(w io.Writer) (backup.Outer, error) {
		_, err := io.WriteString(w, text)
		return backup.Outer{}, err
	}
}

// A backup is written through no link, and what a killed command left is replaced.
func TestBackupFile(t *testing.T) {
	folder, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
	inside := filepath.Join(folder, "inside")
	for _, file := range []string{other, inside, filepath.Join(folder, "killed.part")} {
		if err := os.WriteFile(file, []byte("a longer text of before"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"outside.part": other, "within.part": "inside", "new.part": filepath.Join(filepath.Dir(other), "new"),
	} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"outside", "within", "new"} {
		if _, err := writeBackupFile(filepath.Join(folder, name), writesText("backup")); err == nil {
			t.Errorf("%s: a backup was written through a link", name)
		}
	}
	for _, file := range []string{other, inside} {
		if text, err := os.ReadFile(file); err != nil || string(text) != "a longer text of before" {
			t.Errorf("%s has %q, %v", file, text, err)
		}
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(other), "new")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made through a link: %v", err)
	}
	path := filepath.Join(folder, "killed")
	if _, err := writeBackupFile(path, writesText("backup")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != int64(len("backup")) {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := os.Lstat(path + ".part"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the part: %v", err)
	}
}

// Of two commands that write the same backup, one is refused, and the other one makes a whole backup.
func TestTwoBackupsToOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.backup")
	_, err := writeBackupFile(path, func(w io.Writer) (made backup.Outer, err error) {
		if _, err := writeBackupFile(path, writesText("second")); !errors.Is(err, durable.ErrInUse) {
			t.Errorf("the second command: %v", err)
		}
		return writesText("first")(w)
	})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "first" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := writeBackupFile(path, writesText("third")); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a backup: %v", err)
	}
}
