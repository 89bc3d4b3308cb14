package cluster

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/keyhold/keyhold/internal/store/postgres"
	"github.com/keyhold/keyhold/internal/store/remote"
)

// A pgServer is a server of PostgreSQL in processes of its own, of an unprivileged user.
type pgServer struct {
	folder  string // of its data and its log
	address string
	process *exec.Cmd

	adminDatabase string // the database of the superuser, if not postgres
}

// pgProgram returns the path of a program of PostgreSQL: of KEYHOLD_POSTGRES, a folder, or of the newest version that is
// installed.
func pgProgram(t testing.TB, name string) string {
	t.Helper()
	if folder := os.Getenv("KEYHOLD_POSTGRES"); folder != "" {
		return filepath.Join(folder, name)
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("PostgreSQL is not installed: apt-get install postgresql, or name the folder of its programs with "+
			"KEYHOLD_POSTGRES: %v", err)
	}
	return path
}

// asOther makes a command run as an unprivileged user, because PostgreSQL refuses to run as root.
func asOther(t testing.TB, c *exec.Cmd) {
	t.Helper()
	endWithTest(c)
	if os.Getuid() == 0 {
		uid, gid := otherUser(t)
		c.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
}

func otherUser(t testing.TB) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ = strconv.Atoi(u.Uid)
	gid, _ = strconv.Atoi(u.Gid)
	return uid, gid
}

// pgFolder returns a new folder of the unprivileged user. It is in memory if it may be, so that syncs cost nothing.
func pgFolder(t testing.TB, inMemory bool) string {
	t.Helper()
	parent := ""
	if _, err := os.Stat("/dev/shm"); err == nil && inMemory {
		parent = "/dev/shm"
	}
	folder, err := os.MkdirTemp(parent, "keyhold-postgres")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if os.Getuid() == 0 {
		uid, gid := otherUser(t)
		if err := os.Chown(folder, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// madePostgres is a folder that initdb has made, which servers begin as copies of.
var madePostgres struct {
	sync.Mutex
	folder string
}

// makePostgres makes the data of a server in a folder.
func makePostgres(t testing.TB, folder string) {
	t.Helper()
	madePostgres.Lock()
	defer madePostgres.Unlock()
	if madePostgres.folder == "" {
		made, err := os.MkdirTemp("", "keyhold-initdb")
		if err != nil {
			t.Fatal(err)
		}
		programs.remove = append(programs.remove, made)
		if os.Getuid() == 0 {
			uid, gid := otherUser(t)
			os.Chown(made, uid, gid)
		}
		pgRun(t, made, "initdb", "--pgdata", filepath.Join(made, "data"), "--username", "postgres", "--auth", "trust",
			"--no-locale", "--encoding", "UTF8", "--no-sync", "--no-instructions")
		madePostgres.folder = filepath.Join(made, "data")
	}
	c := exec.Command("cp", "-a", madePostgres.folder, filepath.Join(folder, "data"))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, out)
	}
}

// pgRun runs a program of PostgreSQL to its end.
func pgRun(t testing.TB, folder, name string, args ...string) {
	t.Helper()
	c := exec.Command(pgProgram(t, name), args...)
	c.Dir = folder
	asOther(t, c)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// startPostgres starts a server with settings, and stops it when the test ends.
func startPostgres(t testing.TB, settings ...string) *pgServer {
	t.Helper()
	s := newPostgres(t, true)
	s.start(t, settings...)
	return s
}

func newPostgres(t testing.TB, inMemory bool) *pgServer {
	t.Helper()
	s := &pgServer{folder: pgFolder(t, inMemory), address: freeAddress(t)}
	makePostgres(t, s.folder)
	return s
}

// start starts the processes of a server, again after kill, and returns when it answers.
func (s *pgServer) start(t testing.TB, settings ...string) {
	t.Helper()
	s.launch(t, settings...)
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		c, err := pgx.Connect(ctx, s.admin())
		cancel()
		if err == nil {
			c.Close(t.Context())
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, s.log())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// launch starts the processes of a server, and does not wait.
func (s *pgServer) launch(t testing.TB, settings ...string) {
	t.Helper()
	host, port, _ := strings.Cut(s.address, ":")
	args := []string{"-D", filepath.Join(s.folder, "data"), "-h", host, "-p", port, "-k", ""}
	for _, setting := range append([]string{"shared_buffers=32MB", "max_wal_size=256MB", "log_min_messages=warning"}, settings...) {
		args = append(args, "-c", setting)
	}
	s.process = exec.Command(pgProgram(t, "postgres"), args...)
	s.process.Dir = s.folder
	asOther(t, s.process)
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	process := s.process
	t.Cleanup(func() {
		process.Process.Signal(syscall.SIGCONT)
		process.Process.Signal(syscall.SIGQUIT) // immediate shutdown, which ends the children too
		process.Wait()
		if t.Failed() {
			t.Logf("log of PostgreSQL at %s:\n%s", s.address, s.log())
		}
	})
}

// kill kills all processes of the server, and waits until they have ended.
func (s *pgServer) kill(t testing.TB) {
	t.Helper()
	s.process.Process.Signal(syscall.SIGSTOP) // so that it starts no more of them
	pids := append(children(s.process.Process.Pid), s.process.Process.Pid)
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	s.process.Wait()
	for _, pid := range pids {
		for deadline := time.Now().Add(patience); isRunning(strconv.Itoa(pid)); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the process %d of PostgreSQL runs on", pid)
			}
		}
	}
}

// signal sends a signal to all processes of the server.
func (s *pgServer) signal(signal syscall.Signal) {
	for _, pid := range append(children(s.process.Process.Pid), s.process.Process.Pid) {
		syscall.Kill(pid, signal)
	}
}

// children returns the processes that a process has started (proc_pid_children(5)).
func children(pid int) (pids []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, field := range strings.Fields(string(text)) {
		child, err := strconv.Atoi(field)
		if err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

func (s *pgServer) log() string {
	text, _ := os.ReadFile(filepath.Join(s.folder, "log"))
	return string(text)
}

// admin returns the connection string of the superuser.
func (s *pgServer) admin() string {
	return "postgres://postgres@" + s.address + "/" + cmp.Or(s.adminDatabase, "postgres") + "?sslmode=disable"
}

// query runs a statement as the superuser, and returns its first value as text.
func (s *pgServer) query(t testing.TB, text string) string {
	t.Helper()
	first, err := s.ask(t, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return first
}

// ask is query for a statement that may fail.
func (s *pgServer) ask(t testing.TB, text string) (first string, err error) {
	c, err := pgx.Connect(t.Context(), s.admin())
	if err != nil {
		return "", err
	}
	defer c.Close(context.Background())
	rows, err := c.Query(t.Context(), text, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return "", err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return fmt.Sprint(append(values, "")[0]), err
	})
	if len(all) > 0 {
		first = all[0]
	}
	return first, err
}

// inFullOnly skips a test outside make cluster.
func inFullOnly(t *testing.T) {
	t.Helper()
	if os.Getenv("KEYHOLD_CLUSTER") == "" {
		t.Skip("it takes long: make cluster")
	}
}

// inFull returns the cases of make test, and in make cluster the others too.
func inFull[T any](quick []T, others ...T) []T {
	if os.Getenv("KEYHOLD_CLUSTER") == "" {
		return quick
	}
	return append(quick, others...)
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// pgConfig returns the Config of a deployment with a schema of its own.
func pgConfig(t testing.TB, servers ...*pgServer) postgres.Config {
	c := postgres.Config{Database: "postgres", Access: remote.Access{User: "postgres"}, Timeout: 30 * time.Second, Create: true}
	name := notInName.ReplaceAllString(t.Name(), "_")
	c.Schema = name[max(0, len(name)-60):]
	if c.Schema[0] >= '0' && c.Schema[0] <= '9' {
		c.Schema = "_" + c.Schema
	}
	for _, s := range servers {
		c.Hosts = append(c.Hosts, s.address)
	}
	return c
}

// pgOpen opens a Backend, and closes it when the test ends.
func pgOpen(t testing.TB, c postgres.Config) *postgres.Backend {
	t.Helper()
	b, err := postgres.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}
