package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestInitSyncs checks that init makes everything durable: the root key, without which the store
// never opens again, the folders, and the store. A name is durable when its folder is synced.
func TestInitSyncs(t *testing.T) {
	t.Parallel()
	needsStrace(t)
	folder, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	keys, data, log := filepath.Join(folder, "keys"), filepath.Join(folder, "data"), filepath.Join(folder, "log")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(keys, "root.key")
	out, err := exec.CommandContext(t.Context(), "strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", log,
		buildProgram(t), "init", "--data", data, "--root-key-file", root, "--account", "111122223333").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	synced := map[string]bool{}
	for _, m := range regexp.MustCompile(`f(?:data)?sync\(\d+<([^>]*)>`).FindAllSubmatch(text, -1) {
		synced[string(m[1])] = true
	}
	for _, path := range []string{root, keys, folder, data, filepath.Join(data, "keyhold.db")} {
		if !synced[path] {
			t.Errorf("%s was not synced. Synced: %v", path, synced)
		}
	}
}
