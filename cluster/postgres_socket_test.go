package cluster

import (
	"strings"
	"testing"
)

// A deployment is made, served, copied and verified through the socket of a server.
func TestPostgresSocket(t *testing.T) {
	t.Parallel()
	folder := pgFolder(t, true)
	s := startPostgres(t, "unix_socket_directories="+folder)
	_, port, _ := strings.Cut(s.address, ":")
	url := func(schema string) string {
		return "postgres:///postgres?host=" + folder + "&port=" + port + "&user=postgres&schema=" + schema
	}
	d := deploymentAt(t, url("first"))
	d.init()
	one := d.serve("one")
	one.must("Proof", "import", "alias/app", "--create", "--generate", "app.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	if s.query(t, "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'keyhold' AND client_addr IS NULL") != "true" ||
		s.query(t, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'keyhold' AND client_addr IS NOT NULL") != "0" {
		t.Error("the node does not use the socket")
	}
	one.end(15)
	d.must("verified", "store", "copy", "--from", d.url, "--to", url("second"), "--root-key-file", "root.key")
	d.url = url("second")
	two := d.serve("two")
	two.must("Proof", "import", "alias/app", "--from", "app.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	two.end(15)
	d.must(" is sound", "verify", "--store", d.url, "--data", "two", "--root-key-file", "root.key")
	d.refuses("no such file or directory", "node", "list", "--store", strings.Replace(d.url, folder, folder+"/none", 1)+"&timeout=1s",
		"--root-key-file", "root.key")
}
