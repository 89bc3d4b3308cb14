package cluster

import (
	"strings"
	"testing"
)

// url returns the URL of the store in a schema of a server.
func (s *pgServer) url(schema string) string {
	return "postgres://" + s.address + "/postgres?user=postgres&schema=" + schema
}

// Three nodes on PostgreSQL are one deployment, as on etcd.
func TestProgramsOnPostgres(t *testing.T) {
	t.Parallel()
	testPrograms(t, deploymentAt(t, startPostgres(t).url("keyhold")))
}

func TestDevNodesOnPostgres(t *testing.T) {
	inFullOnly(t)
	t.Parallel()
	testDevNodes(t, deploymentAt(t, startPostgres(t).url("dev")))
}

// A deployment moves between all three stores, and its content stays the same.
func TestCopiesBetweenStores(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	d := deploymentAt(t, server.url("first"))
	d.init()
	one := d.serve("one")
	one.must("Proof", "import", "alias/app", "--create", "--generate", "app.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	one.end(15)
	etcd := "etcd://" + strings.Join(addresses(startCluster(t, 1)), ",") + "/moved"
	last := d.url
	for _, to := range []string{etcd, server.url("second"), "folder", server.url("third"), server.url("fourth")} {
		d.must("verified", "store", "copy", "--from", last, "--to", to, "--root-key-file", "root.key")
		last = to
	}
	d.url = last
	two := d.serve("two")
	two.must("Proof", "import", "alias/app", "--from", "app.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	two.end(15)
	d.must(" is sound", "verify", "--store", d.url, "--data", "two", "--root-key-file", "root.key")
}
