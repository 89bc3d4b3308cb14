package cluster

import (
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// A notification hastens the next question of a watcher. A watcher without notifications, whose listener was ended,
// hears of changes all the same, and then listens again.
func TestPostgresNotifications(t *testing.T) {
	t.Parallel()
	s := startPostgres(t)
	c := pgConfig(t, s)
	b, other := pgOpen(t, c), pgOpen(t, c)
	told := make(chan int64, 1000)
	go b.Watch(t.Context(), revision(t, b), func(c store.Change) error {
		told <- c.Rev
		return nil
	})
	await := func(rev int64) time.Duration {
		t.Helper()
		for begun := time.Now(); ; {
			select {
			case got := <-told:
				if got >= rev {
					return time.Since(begun)
				}
			case <-time.After(patience):
				t.Fatalf("not told revision %d", rev)
			}
		}
	}
	listens := func() string {
		return s.query(t, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()")
	}
	waitFor(t, "both listen", func() bool { return listens() == "2" })
	fastest := time.Hour
	for range 20 {
		fastest = min(fastest, await(put(t, other, "a", "")))
	}
	s.query(t, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()")
	slowest := await(put(t, other, "a", ""))
	waitFor(t, "both listen again", func() bool { return listens() == "2" })
	t.Logf("told after %v with notifications, after %v without", fastest, slowest)
}
