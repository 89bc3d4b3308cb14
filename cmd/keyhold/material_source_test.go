package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestNewFilesOverwriteNothing checks that a new file never replaces a file, or follows a link, at
// its path, even one that appears at the last moment.
func TestNewFilesOverwriteNothing(t *testing.T) {
	makers := map[string]func(path string) error{
		"generated material": func(path string) error {
			material, err := generateMaterial(path, 32)
			if err != nil && material != nil {
				t.Error("material was returned, but no file has it")
			}
			return err
		},
		"a file": func(path string) error { return writeNewFile(path, []byte("new")) },
	}
	for name, create := range makers {
		dir := t.TempDir()
		file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
		if err := os.WriteFile(file, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{file, link, filepath.Join(dir, "none", "file")} {
			if err := create(path); err == nil {
				t.Errorf("%s was created at %s", name, path)
			}
		}
		if content, err := os.ReadFile(file); string(content) != "old" || err != nil {
			t.Errorf("%s: %q, %v", name, content, err)
		}
		if _, err := os.Lstat(filepath.Join(dir, "elsewhere")); err == nil {
			t.Errorf("%s was created through a link", name)
		}
		if err := create(filepath.Join(dir, "new")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestGenerateMaterial checks that the file has the generated material, and that it differs each
// time.
func TestGenerateMaterial(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]bool{}
	for _, name := range []string{"a", "b"} {
		material, err := generateMaterial(filepath.Join(dir, name), 32)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(kept) != string(material) || len(kept) != 32 || seen[string(kept)] {
			t.Errorf("%d bytes, %v", len(kept), err)
		}
		seen[string(kept)] = true
	}
}

// TestSourceIsCleared checks that clear overwrites the material in memory.
func TestSourceIsCleared(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte("material"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := source{from: path}
	if err := s.read(); err != nil || string(s.file.content) != "material" {
		t.Fatal(err)
	}
	s.clear()
	if string(s.file.content) != string(make([]byte, 8)) {
		t.Errorf("%q is left", s.file.content)
	}
}
