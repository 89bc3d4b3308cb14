package cluster

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestPostgresWriters compares the changes of 64 clients of a node on PostgreSQL with the changes of one client, in
// alternating rounds. Commits have one order, so there is about one commit for each sync of the disk, and the changes
// that wait share it. `make bench-cluster` sets KEYHOLD_WRITERS, the number of rounds.
func TestPostgresWriters(t *testing.T) {
	rounds, length := 1, 300*time.Millisecond
	if n, err := strconv.Atoi(os.Getenv("KEYHOLD_WRITERS")); err == nil {
		rounds, length = n, 700*time.Millisecond
	}
	s := newPostgres(t, false) // on a disk
	s.start(t)
	b := pgOpen(t, pgConfig(t, s))
	n := openWritingNode(t, b, b.Slots())
	for _, operation := range []string{"UpdateKeyDescription", "CreateKey"} {
		var ratios []float64
		for range rounds {
			pid := s.process.Process.Pid
			one, _ := perSecond(t, pid, 1, length, func(w int) { n.change(t, operation, w) })
			all, _ := perSecond(t, pid, writers, length, func(w int) { n.change(t, operation, w) })
			ratios = append(ratios, all/one)
			t.Logf("%s: %.0f per second by 64 writers, %.0f by one: %.1f times", operation, all, one, all/one)
		}
		slices.Sort(ratios)
		load, _ := os.ReadFile("/proc/loadavg")
		t.Logf("%s: median %.1f of %.1f; the bar is 5; load %s", operation, ratios[len(ratios)/2], ratios, load)
	}
}

// TestPostgresDecrypt compares Decrypt on a node on PostgreSQL with a server with a store of its own, by the program
// bench.
func TestPostgresDecrypt(t *testing.T) {
	if os.Getenv("KEYHOLD_WRITERS") == "" {
		t.Skip("it is a measurement: make bench-cluster")
	}
	c := exec.CommandContext(t.Context(), "go", "run", "./bench", "-keyhold", "bin/keyhold", "-parts", "node", "-runs", "9",
		"-d", "1s", "-store", startPostgres(t).url("keyhold"))
	c.Dir = ".."
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
