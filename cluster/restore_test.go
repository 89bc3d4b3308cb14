package cluster

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/etcd/etcdutl/v3/snapshot"
	"go.uber.org/zap"

	"github.com/keyhold/keyhold/internal/store/etcd"
)

// A cluster that was restored from a snapshot has another ID. Neither a process that runs nor one that starts
// accepts it, until its ID is given.
func TestRestored(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1)
	s, c := servers[0], config(t, servers)
	c.Prefix = "p"
	running := open(t, c)
	put(t, running, "a", "1")
	restore(t, s)

	var refused bool
	waitFor(t, "the restored cluster answers", func() bool {
		err := running.View(t.Context(), nil)
		refused = errors.Is(err, etcd.ErrOtherCluster)
		return refused
	})
	if _, err := running.Commit(t.Context(), write("b")); err == nil {
		t.Error("committed to another cluster")
	}
	_, err := etcd.Open(t.Context(), c)
	if !errors.Is(err, etcd.ErrOtherCluster) {
		t.Fatalf("opened: %v", err)
	}
	_, id, ok := strings.Cut(err.Error(), "cluster=")
	if !ok {
		t.Fatalf("no remedy: %v", err)
	}
	id, _, _ = strings.Cut(id, " ")
	c.Cluster = "1" + id
	if _, err := etcd.Open(t.Context(), c); !errors.Is(err, etcd.ErrOtherCluster) {
		t.Errorf("opened with another ID: %v", err)
	}
	c.Cluster = id
	if b := open(t, c); !has(t, b, "a") || has(t, b, "b") {
		t.Error("the restored cluster has other records")
	}
	c.Cluster = ""
	open(t, c) // accepted once and for all
}

// A cluster that was restored with the token and the addresses of the former one has the same ID. A node that is started
// again refuses it, although its revision has grown beyond all that the node has seen.
func TestRestoredAndGrown(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1)
	d := newDeployment(t, servers)
	d.init()
	one := d.serve("one")
	file := snapshotOf(t, servers[0])
	one.must("Proof", "import", "alias/a", "--create", "--generate", "a.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	one.end(syscall.SIGTERM)
	seen := revision(t, open(t, config(t, servers)))
	restoreFrom(t, servers[0], file, t.Name())
	two := d.serve("two")
	two.must("Proof", "import", "alias/b", "--create", "--generate", "b.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	for other := open(t, config(t, servers)); revision(t, other) <= seen+100; { // also other programs raise it
		put(t, other, "a", "1")
	}
	d.refusesToRestart("the store has lost a heartbeat of this node", "serve", "--store", d.url, "--root-key-file",
		"root.key", "--addr", "127.0.0.1:0", "--data", "one")
	two.end(syscall.SIGTERM)
	d.serve("two").end(syscall.SIGTERM)
}

// restore replaces the data of a server by a snapshot of them, as etcdutl does.
func restore(t *testing.T, s *server) {
	t.Helper()
	restoreFrom(t, s, snapshotOf(t, s), "restored")
}

// snapshotOf returns the file of a snapshot of a server.
func snapshotOf(t *testing.T, s *server) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "snapshot")
	r, err := admin(t, []*server{s}).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// restoreFrom replaces the data of a server by a snapshot. The ID of the cluster depends on the token.
func restoreFrom(t *testing.T, s *server, file, token string) {
	t.Helper()
	s.kill(t)
	if err := os.RemoveAll(s.folder); err != nil {
		t.Fatal(err)
	}
	err := snapshot.NewV3(zap.NewNop()).Restore(snapshot.RestoreConfig{
		SnapshotPath: file, Name: s.name, OutputDataDir: s.folder, PeerURLs: []string{"http://" + s.peer},
		InitialCluster: s.name + "=http://" + s.peer, InitialClusterToken: token,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.start(t)
}
