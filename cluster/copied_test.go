package cluster

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A node on the copy of a data folder does not start while the other node runs, however often a supervisor tries. If the
// other node is silent, the node on the copy serves, and the other one ends and does not start again.
func TestCopiedFolder(t *testing.T) {
	t.Parallel()
	d := newDeployment(t, startCluster(t, 1))
	d.init()
	one := d.serve("one")
	if err := os.CopyFS(filepath.Join(d.dir, "copy"), os.DirFS(filepath.Join(d.dir, "one"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"node-id", "heartbeat", "audit.log"} {
		if err := os.Chmod(filepath.Join(d.dir, "copy", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(d.dir, "copy"), 0o700); err != nil {
		t.Fatal(err)
	}
	start := func(folder string) []string {
		return []string{"serve", "--store", d.url, "--root-key-file", "root.key", "--addr", "127.0.0.1:0", "--data", folder}
	}
	for range 2 {
		d.refusesToRestart("another process already runs as this node", start("copy")...)
	}
	one.must("Proof", "import", "alias/a", "--create", "--generate", "a.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	one.Signal(syscall.SIGSTOP)
	two := d.serve("copy")
	one.Signal(syscall.SIGCONT)
	if err := one.Wait(); err == nil {
		t.Error("the node that was fenced ends without an error")
	}
	d.refuses("another process already runs as this node", start("one")...)
	two.must("Proof", "import", "alias/a", "--from", "a.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	two.end(syscall.SIGTERM)
}
