package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// answers is a function of the shell that waits until a server of etcd, or a node, is ready. A node listens before it
// has joined the others. etcd has no such path, and answers all the same.
const answers = `
answers() {
	until (exec 3<>/dev/tcp/127.0.0.1/$1 && printf 'GET /health/ready HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3 &&
		head -1 <&3 | grep -qE ' (200|404) ') 2>/dev/null; do sleep 0.1; done
}
`

// The lines of the set-up in docs/cluster.md start three nodes, and the list shows them. Only the ports and the program
// of etcd differ, and the lines wait for the servers that they start.
func TestSetUpOfDocument(t *testing.T) {
	t.Parallel()
	peer := "http://" + freeAddress(t)
	testSetUp(t, "Set-up", 8, "etcd --data-dir", asServer+"=1 "+os.Args[0]+" --listen-peer-urls "+peer+
		" --initial-advertise-peer-urls "+peer+" --initial-cluster default="+peer+" --log-level error --data-dir",
		"2379", freePort(t))
}

// The second set-up does the same. Only the roles and databases are made in another way.
func TestSetUpOnPostgresOfDocument(t *testing.T) {
	t.Parallel()
	s := startPostgres(t)
	s.query(t, "CREATE ROLE keyhold LOGIN")
	s.query(t, "CREATE DATABASE keyhold OWNER keyhold")
	testSetUp(t, "Set-up on PostgreSQL", 8, "createuser keyhold", "true", "createdb -O keyhold keyhold", "true",
		"127.0.0.1:5432", s.address)
}

func freePort(t *testing.T) string { return freeAddress(t)[len("127.0.0.1:"):] }

// testSetUp runs the lines of a section after it has replaced some words, and expects three nodes.
func testSetUp(t *testing.T, name string, least int, replace ...string) {
	t.Helper()
	text, err := os.ReadFile("../docs/cluster.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## "+name+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var lines []string
	for line := range strings.Lines(section) {
		if command, ok := strings.CutPrefix(line, "    "); ok {
			lines = append(lines, command)
		}
	}
	script := strings.NewReplacer(append(replace, "4601", freePort(t), "4602", freePort(t), "4603", freePort(t), "bin/keyhold",
		buildProgram(t))...).Replace(strings.Join(lines, ""))
	script = regexp.MustCompile(`127\.0\.0\.1:(\d+)[^:&]* &\n`).ReplaceAllString(script, "$0 answers $1\n")
	c := exec.CommandContext(t.Context(), "bash", "-c", "trap 'kill $(jobs -p); wait' EXIT\n"+answers+script)
	c.Dir = t.TempDir()
	log, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	err = c.Run()
	out, _ := os.ReadFile(log.Name())
	_, list, _ := strings.Cut(string(out), "NODE ")
	if err != nil || len(lines) < least || strings.Count(list, "  serving  ") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
}
