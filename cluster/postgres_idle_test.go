package cluster

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Idle nodes write at a bounded rate: at most twice what docs/cluster.md states for as many nodes. They write no faster on
// a busy machine.
func TestPostgresIdleNodes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		nodes                          int
		transactions, bytes, revisions float64 // a second
	}{
		{1, 19, 4_000, 0.5},
		{2, 40, 11_000, 1},
		{3, 66, 24_000, 1.5},
	} {
		t.Run(fmt.Sprint(test.nodes), func(t *testing.T) {
			t.Parallel()
			s := startPostgres(t)
			d := deploymentAt(t, s.url("keyhold"))
			d.init()
			for i := range test.nodes {
				n := d.serve(strconv.Itoa(i))
				defer n.end(syscall.SIGTERM)
			}
			time.Sleep(5 * time.Second) // until the work of the start is done
			begun, before := time.Now(), pgWritten(t, s)
			time.Sleep(10 * time.Second)
			after, seconds := pgWritten(t, s), time.Since(begun).Seconds()
			for i, limit := range []struct {
				what     string
				rate     float64
				constant float64 // what the start left, and the first change of a page after a checkpoint
			}{
				{"transactions", test.transactions, 20},
				{"bytes of write-ahead log", test.bytes, 100_000},
				{"revisions", test.revisions, 2},
			} {
				written := after[i] - before[i]
				if written == 0 || written > 2*limit.rate*seconds+limit.constant {
					t.Errorf("%d idle nodes made %.0f %s in %.1f s, and %.1f a second are documented", test.nodes, written,
						limit.what, seconds, limit.rate)
				}
				t.Logf("%.1f %s a second", written/seconds, limit.what)
			}
		})
	}
}

// pgWritten returns the numbers of transactions, of bytes of the write-ahead log, and of revisions so far.
func pgWritten(t *testing.T, s *pgServer) (all [3]float64) {
	t.Helper()
	text := s.query(t, `SELECT concat_ws(' ', xact_commit, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0'), rev)
		FROM pg_stat_database, keyhold.head WHERE datname = current_database()`)
	for i, field := range strings.Fields(text) {
		var err error
		if all[i], err = strconv.ParseFloat(field, 64); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
