package cluster

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// quickStories are stories for make test: import in every way, a clock that moves, permissions, deletion, and a stop of
// all nodes.
const quickStories = "05-import|07-expiration|aliases|grants|restart"

// quickPostgresStories are the stories that make test also runs on PostgreSQL.
const quickPostgresStories = "grants|restart"

// The stories of testdata run on three nodes that share a store. Each request meets the next node. With KEYHOLD_CLUSTER,
// all stories run; KEYHOLD_STORIES, a regular expression, chooses others.
func TestStories(t *testing.T) {
	t.Parallel()
	runStories(t, quickStories, "etcd://"+strings.Join(addresses(startCluster(t, 1)), ",")+"/stories")
}

// TestPostgresStories is TestStories on PostgreSQL.
func TestPostgresStories(t *testing.T) {
	t.Parallel()
	runStories(t, quickPostgresStories, startPostgres(t, "max_connections=300").url("stories"))
}

// runStories runs stories on three nodes that share a store, and with KEYHOLD_CLUSTER all stories.
func runStories(t *testing.T, chosen, url string) {
	t.Helper()
	if os.Getenv("KEYHOLD_CLUSTER") != "" {
		chosen = ".*"
	}
	runSomeStories(t, chosen, url)
}

// runSomeStories runs the stories whose names match, or those of KEYHOLD_STORIES.
func runSomeStories(t *testing.T, chosen, url string) {
	t.Helper()
	if other := os.Getenv("KEYHOLD_STORIES"); other != "" {
		chosen = other
	}
	c := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-timeout", "60m",
		"-run", "^TestStoriesOnNodes$/^("+chosen+")$", "./cmd/keyhold")
	c.Dir = ".."
	c.Env = append(os.Environ(), "KEYHOLD_STORIES_STORE="+url)
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), " stories ran on 3 nodes") {
		t.Errorf("%v\n%s", err, out)
	}
}
