package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// poolerSettings make PgBouncer lend a connection for one transaction only. It has fewer connections to the server than
// its clients have to it, so consecutive transactions get different ones.
const poolerSettings = `[databases]
postgres = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 6
max_client_conn = 500
log_connections = 0
log_disconnections = 0
`

// startPooler starts PgBouncer in front of a server. The result has its address.
func startPooler(t *testing.T, s *pgServer) *pgServer {
	t.Helper()
	program := "/usr/sbin/pgbouncer" // Debian's, which is not in the PATH of all users
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("pgbouncer"); err != nil && os.Getenv("KEYHOLD_CLUSTER") != "" {
			t.Fatal("PgBouncer is not installed: apt-get install pgbouncer")
		} else if err != nil {
			t.Skip("PgBouncer is not installed: apt-get install pgbouncer")
		}
	}
	pooler := &pgServer{folder: pgFolder(t, true), address: freeAddress(t)}
	users, settings := filepath.Join(pooler.folder, "users"), filepath.Join(pooler.folder, "settings")
	host, port, _ := strings.Cut(s.address, ":")
	_, own, _ := strings.Cut(pooler.address, ":")
	must(t, os.WriteFile(users, []byte(`"postgres" ""`+"\n"), 0o644))
	must(t, os.WriteFile(settings, fmt.Appendf(nil, poolerSettings, host, port, own, users), 0o644))
	c := exec.Command(program, "--quiet", settings)
	asOther(t, c)
	log, err := os.Create(filepath.Join(pooler.folder, "log"))
	must(t, err)
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	must(t, c.Start())
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		if t.Failed() {
			t.Logf("log of PgBouncer:\n%s", pooler.log())
		}
	})
	waitFor(t, "PgBouncer answers", func() bool {
		client, err := pgx.Connect(t.Context(), pooler.admin()+"&default_query_exec_mode=exec")
		return err == nil && client.Close(t.Context()) == nil
	})
	return pooler
}

// The suite of Backends passes through a pooler in transaction mode.
func TestPostgresPooler(t *testing.T) {
	t.Parallel()
	pooler := startPooler(t, startPostgres(t))
	storetest.Test(t, func(t *testing.T) store.Backend { return pgOpen(t, pgConfig(t, pooler)) })
	t.Run("slots", func(t *testing.T) {
		storetest.TestSlots(t, func(t *testing.T) store.Slots { return pgOpen(t, pgConfig(t, pooler)).Slots() })
	})
}

// Three nodes behind a pooler are one deployment.
func TestPostgresPoolerStories(t *testing.T) {
	inFullOnly(t)
	t.Parallel()
	runSomeStories(t, quickPostgresStories, startPooler(t, startPostgres(t)).url("stories"))
}
