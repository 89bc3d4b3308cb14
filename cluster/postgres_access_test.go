package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/postgres"
)

// pgTryOpen parses a URL and opens its Backend.
func pgTryOpen(t *testing.T, url string) (*postgres.Backend, error) {
	t.Helper()
	c, err := postgres.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c.Create = true
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	b, err := postgres.Open(ctx, c)
	if err == nil {
		t.Cleanup(func() { b.Close() })
	}
	return b, err
}

// inData writes a file of the server, which only its user may read.
func (s *pgServer) inData(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join(s.folder, "data", name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		uid, gid := otherUser(t)
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPostgresTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for _, name := range []string{"server", "postgres"} {
		a.issue(name)
	}
	s := newPostgres(t, true)
	for _, name := range []string{"ca.pem", "server.pem", "server.key"} {
		content, err := os.ReadFile(a.path(name))
		if err != nil {
			t.Fatal(err)
		}
		s.inData(t, name, content)
	}
	s.inData(t, "pg_hba.conf", []byte("hostnossl template1 postgres 127.0.0.1/32 trust\nhostssl postgres all 127.0.0.1/32 cert\n"))
	s.adminDatabase = "template1"
	s.start(t, "ssl=on", "ssl_ca_file=ca.pem", "ssl_cert_file=server.pem", "ssl_key_file=server.key")
	url := "postgres://" + s.address + "/postgres?user=postgres"
	full := url + "&ca=" + a.path("ca.pem") + "&cert=" + a.path("postgres.pem") + "&key=" + a.path("postgres.key")
	b, err := pgTryOpen(t, full)
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, "a", "1")
	if !has(t, b, "a") {
		t.Error("a record is missing")
	}
	other := newAuthority(t)
	other.issue("postgres")
	for name, bad := range map[string]string{
		"no client certificate":    url + "&ca=" + a.path("ca.pem"),
		"of another authority":     url + "&ca=" + a.path("ca.pem") + "&cert=" + other.path("postgres.pem") + "&key=" + other.path("postgres.key"),
		"another authority":        url + "&ca=" + other.path("ca.pem") + "&cert=" + a.path("postgres.pem") + "&key=" + a.path("postgres.key"),
		"the system's authorities": url + "&tls=on",
		"no TLS":                   url,
		"the name of another role": strings.Replace(full, "user=postgres", "user=somebody", 1),
		"no files of certificates": url + "&ca=" + a.path("none.pem"),
	} {
		_, err := pgTryOpen(t, bad+"&timeout=1s")
		if err == nil {
			t.Errorf("%s: opened", name)
		}
		t.Logf("%s: %v", name, err)
	}
	if err := os.Chmod(a.path("postgres.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := pgTryOpen(t, full); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("with a private key that others may read: %v", err)
	}
}

// A role has a password, and a schema that the owner of the database made. No error has the password.
func TestPostgresPassword(t *testing.T) {
	t.Parallel()
	s := newPostgres(t, true)
	s.inData(t, "pg_hba.conf", []byte("host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"))
	s.start(t)
	for _, text := range []string{
		"CREATE ROLE keyhold LOGIN PASSWORD 'hunter2'", "CREATE ROLE other LOGIN PASSWORD 'hunter2'",
		"CREATE SCHEMA ours AUTHORIZATION keyhold",
	} {
		s.query(t, text)
	}
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	url := "postgres://" + s.address + "/postgres?timeout=1s&"
	for _, good := range []string{"passwordFile=" + file, "passwordEnv=STORE_PASSWORD"} {
		b, err := pgTryOpen(t, url+"schema=ours&user=keyhold&"+good)
		if err != nil {
			t.Fatal(err)
		}
		put(t, b, "a", "1")
	}
	for _, test := range []struct{ name, bad, want string }{
		{"no password", "schema=ours&user=keyhold", "password"},
		{"a wrong password", "schema=ours&user=keyhold&passwordEnv=WRONG_PASSWORD", "password authentication failed"},
		{"an unset variable", "schema=ours&user=keyhold&passwordEnv=NO_PASSWORD", "is empty"},
		{"an unknown role", "schema=ours&user=nobody&passwordFile=" + file, "password authentication failed"},
		{"a schema that may not be made", "schema=theirs&user=keyhold&passwordFile=" + file, "CREATE SCHEMA \"theirs\" AUTHORIZATION"},
		{"the schema of another role", "schema=ours&user=other&passwordFile=" + file, "permission denied"},
	} {
		_, err := pgTryOpen(t, url+test.bad)
		if err == nil || errors.Is(err, store.ErrUnknown) || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

// A server that may lose acknowledged commits is refused, and so are tables of a newer program and a database without
// tables.
func TestPostgresRefused(t *testing.T) {
	t.Parallel()
	s := startPostgres(t)
	c := pgConfig(t, s)
	c.Create, c.Timeout = false, patience
	if _, err := postgres.Open(t.Context(), c); !errors.Is(err, postgres.ErrNoSchema) {
		t.Errorf("without tables: %v", err)
	}
	c.Create = true
	put(t, pgOpen(t, c), "a", "1")
	s.query(t, fmt.Sprintf("UPDATE %q.meta SET version = 3", c.Schema))
	if _, err := postgres.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "has version 3, which a newer Keyhold made") {
		t.Errorf("with tables of a newer program: %v", err)
	}
	s.query(t, fmt.Sprintf("UPDATE %q.meta SET version = 2", c.Schema))
	for _, setting := range []string{"fsync", "full_page_writes"} {
		s.query(t, "ALTER SYSTEM SET "+setting+" = off")
		s.query(t, "SELECT pg_reload_conf()")
		waitFor(t, "the setting is off", func() bool { return s.query(t, "SHOW "+setting) == "off" })
		if _, err := postgres.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "set "+setting+" = on") {
			t.Errorf("with %s = off: %v", setting, err)
		}
		s.query(t, "ALTER SYSTEM RESET "+setting)
		s.query(t, "SELECT pg_reload_conf()")
		waitFor(t, "the setting is on", func() bool { return s.query(t, "SHOW "+setting) == "on" })
	}
	// A role or a database may have settings that do not fit: they do not matter.
	s.query(t, "ALTER ROLE postgres SET synchronous_commit = off")
	s.query(t, "ALTER ROLE postgres SET default_transaction_isolation = 'serializable'")
	b := pgOpen(t, c)
	if !has(t, b, "a") {
		t.Error("a record is missing")
	}
	put(t, b, "a", "2")
}

// Tables of version 1 become those of version 2 when a program opens them. They do not know what nodes have seen. From
// then on they do.
func TestPostgresUpgrade(t *testing.T) {
	t.Parallel()
	s := startPostgres(t)
	c := pgConfig(t, s)
	rev := put(t, pgOpen(t, c), "a", "1")
	for _, text := range []string{"DROP TABLE %q.seen", "UPDATE %q.meta SET version = 1"} {
		s.query(t, fmt.Sprintf(text, c.Schema))
	}
	c.Create, c.Node, c.Seen = false, "one", rev
	b := pgOpen(t, c)
	if !has(t, b, "a") || s.query(t, fmt.Sprintf("SELECT version FROM %q.meta", c.Schema)) != "2" {
		t.Error("the tables are not of version 2 with the same records")
	}
	c.Seen = put(t, b, "b", "1")
	pgOpen(t, c)
	c.Seen++
	if _, err := postgres.Open(t.Context(), c); !errors.Is(err, store.ErrRewound) {
		t.Errorf("a node that has seen more than the store knows: %v", err)
	}
}

// Old versions of records and changes are removed after a while, except those that a View reads.
func TestPostgresCompaction(t *testing.T) {
	t.Parallel()
	s := startPostgres(t)
	c := pgConfig(t, s)
	c.Keep = keep
	b, other := pgOpen(t, c), pgOpen(t, c)
	first := put(t, b, "a", "1")
	versions := func() string {
		return s.query(t, fmt.Sprintf("SELECT count(*) FROM %q.history", c.Schema))
	}
	err := b.View(t.Context(), func(r store.Reader) error {
		for i := range 20 {
			put(t, other, "a", fmt.Sprint(i))
		}
		last := put(t, other, "b", "")
		waitFor(t, "the floor is at the View", func() bool {
			put(t, other, "b", "")
			return s.query(t, fmt.Sprintf("SELECT rev >= %d FROM %q.floor", first, c.Schema)) == "true"
		})
		if get(t, r, "a") != "1" || versions() == "0" {
			t.Error("the version that a View reads is gone")
		}
		_ = last
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "old versions are gone", func() bool {
		ended := errors.Is(other.Watch(t.Context(), first, func(store.Change) error { return errEnough }), errEnough)
		return versions() == "0" && ended
	})
	if !has(t, b, "a") || !has(t, b, "b") {
		t.Error("a newest version is gone")
	}
}
