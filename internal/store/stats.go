package store

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/measure"
)

// stats counts commits.
type stats struct {
	durations           measure.Histogram // of the commits that were made
	conflicts, failures atomic.Uint64
}

// note counts a commit that took a time and ended with err.
func (s *stats) note(d time.Duration, err error) {
	switch {
	case err == nil:
		s.durations.Note(d)
	case errors.Is(err, ErrConflict):
		s.conflicts.Add(1)
	default:
		s.failures.Add(1)
	}
}

// Stats are numbers about a Store.
type Stats struct {
	Commits   measure.Distribution // the durations of the commits that were made
	Conflicts uint64               // commits that met another change
	Failures  uint64               // commits that were not made for another reason, or whose outcome is not known
	Cache     int                  // bytes of memory of decoded records
}

// CacheLimit is the limit of Stats.Cache.
const CacheLimit = cacheSize

// Stats returns the numbers since the Store was made.
func (s *Store) Stats() Stats {
	return Stats{
		Commits: s.stats.durations.Read(), Conflicts: s.stats.conflicts.Load(), Failures: s.stats.failures.Load(),
		Cache: s.cache.bytes(),
	}
}

// bytes returns the memory of all entries.
func (c *cache) bytes() (n int) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		n += s.size
		s.mu.RUnlock()
	}
	return n
}
