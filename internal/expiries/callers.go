package expiries

import (
	"slices"
	"sync"
	"time"
)

// The bounds of Callers, and how long a caller is remembered.
const (
	mostKeys    = 10_000
	mostCallers = 8
	remembered  = 7 * 24 * time.Hour
)

// Callers remembers who used keys whose material expires, in memory: for each of 10,000 keys the last eight callers of
// seven days. Its methods may be called concurrently.
type Callers struct {
	since time.Time
	mu    sync.Mutex
	keys  map[string]*[mostCallers]caller // by the path of the key
}

type caller struct {
	arn  string
	last time.Time
}

// NewCallers returns Callers that know nobody. now is a time on the clock of keys.
func NewCallers(now time.Time) *Callers {
	return &Callers{since: now, keys: map[string]*[mostCallers]caller{}}
}

// Since returns the time since which callers are known.
func (c *Callers) Since() time.Time { return c.since }

// Note remembers that a caller used the key at a path. Beyond the bounds it forgets the oldest caller of the key, or
// any other key.
func (c *Callers) Note(path, arn string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.keys[path]
	if all == nil {
		for other := range c.keys { // in no order
			if len(c.keys) < mostKeys {
				break
			}
			delete(c.keys, other)
		}
		all = new([mostCallers]caller)
		c.keys[path] = all
	}
	oldest := 0
	for i := range all {
		if all[i].arn == arn {
			oldest = i
			break
		}
		if all[i].last.Before(all[oldest].last) {
			oldest = i
		}
	}
	all[oldest] = caller{arn, now}
}

// Of returns the callers of the key at a path, the last one first.
func (c *Callers) Of(path string) (arns []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	arns = []string{}
	all := c.keys[path]
	if all == nil {
		return arns
	}
	newest := slices.SortedFunc(slices.Values(all[:]), func(a, b caller) int { return b.last.Compare(a.last) })
	for _, one := range newest {
		if one.arn != "" && newest[0].last.Sub(one.last) <= remembered {
			arns = append(arns, one.arn)
		}
	}
	return arns
}
