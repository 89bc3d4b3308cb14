package store

import (
	"hash/maphash"
	"sync"
)

// cacheSize limits the memory of decoded records in a Store, in bytes. cacheEntry is the overhead of an entry,
// in addition to its record and path.
const (
	cacheSize   = 64 << 20
	cacheEntry  = 256
	cacheShards = 64
)

// A cache keeps decoded records, so that frequent reads need no View. It never returns a record older than one
// that any caller has seen: a path that a commit writes is absent from the cache from before the commit until
// after it, and a record that was read before the end of a commit is not added later.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.RWMutex
	records map[string]cached
	writing map[string]*writing // running commits by path
	floor   int64               // revision of the last commit that wrote to this shard
	size    int
}

// writing are the running commits that write a path.
type writing struct {
	commits int
	newest  int64 // revision of the last write of the path that is known meanwhile
}

// A cached record has its value, or its item for transactions, or both.
type cached struct {
	value   any   // decoded
	item    known // of revision written; Rev is 0 if only the value is kept
	second  known // the second part of a Joined record; kept only with item, as of the same revision
	alone   bool  // the record has no second part; known only with item
	rev     int64 // revision at which it was read
	written int64 // revision of its last write
	size    int   // of the value
}

// A known Item is sealed as the Backend has it, or opened.
type known struct {
	Item
	opened bool
}

// plain returns the opened bytes, which are shared and must not be modified.
func (i known) plain(s Sealer) ([]byte, error) {
	if i.opened {
		return i.Value, nil
	}
	return s.Open(i.Key, i.Value)
}

func (i known) size() int { return len(i.Key) + len(i.Value) }

// total returns the memory that an entry takes.
func (r cached) total(path string) int {
	return cacheEntry + len(path) + r.size + r.item.size() + r.second.size()
}

func (r cached) isTooLarge(path string) bool { return r.total(path) > cacheSize/cacheShards }

// with returns r with what only an entry of the same write has.
func (r cached) with(old cached) cached {
	if old.written != r.written {
		return r
	}
	if r.value == nil {
		r.value, r.size = old.value, old.size
	}
	r.item, r.second, r.alone = r.item.or(old.item), r.second.or(old.second), r.alone || old.alone
	return r
}

// or returns old, an item of the same write, if i is missing or if only old is opened.
func (i known) or(old known) known {
	if i.Rev == 0 || old.opened && !i.opened {
		return old
	}
	return i
}

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].records, c.shards[i].writing = map[string]cached{}, map[string]*writing{}
	}
	return c
}

func (c *cache) shard(path string) *cacheShard {
	return &c.shards[maphash.String(c.seed, path)%cacheShards]
}

// get returns the record at a path, or nil if the cache does not have it.
func (c *cache) get(path string) any { return c.entry(path).value }

// entry returns the entry of a path, or the zero value.
func (c *cache) entry(path string) cached {
	s := c.shard(path)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.records[path]
}

// put adds a record that a View read, unless it may have been written since.
func (c *cache) put(path string, r cached) {
	s := c.shard(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	r = r.with(s.records[path])
	if r.rev < s.floor || r.rev < s.records[path].rev || s.writing[path] != nil || r.isTooLarge(path) {
		return
	}
	s.set(path, r)
}

// keepOpened replaces the item of an entry, or its second item, by the same item, opened.
func (c *cache) keepOpened(path string, second bool, opened known) {
	s := c.shard(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[path]
	has := &r.item
	if second {
		has = &r.second
	}
	if has.Rev == opened.Rev && !has.opened {
		*has = opened
		s.set(path, r)
	}
}

// set adds an entry and evicts others if there are too many. The caller holds s.mu.
func (s *cacheShard) set(path string, r cached) {
	s.drop(path)
	s.records[path] = r
	for s.size += r.total(path); s.size > cacheSize/cacheShards; {
		for other := range s.records { // evict any entry except the new one
			if other != path {
				s.drop(other)
				break
			}
		}
	}
}

// drop removes an entry. The caller holds s.mu.
func (s *cacheShard) drop(path string) {
	if r, ok := s.records[path]; ok {
		s.size -= r.total(path)
		delete(s.records, path)
	}
}

// begin must be called before a commit that writes these paths. end must be called after it with its revision,
// or 0, and with the entries of paths that it wrote.
func (c *cache) begin(writes []Write) {
	for _, w := range writes {
		path := string(w.Key)
		s := c.shard(path)
		s.mu.Lock()
		s.drop(path)
		if s.writing[path] == nil {
			s.writing[path] = &writing{}
		}
		s.writing[path].commits++
		s.mu.Unlock()
	}
}

func (c *cache) end(writes []Write, rev int64, written map[string]cached) {
	for _, w := range writes {
		path := string(w.Key)
		s := c.shard(path)
		s.mu.Lock()
		s.floor = max(s.floor, rev)
		running := s.writing[path]
		running.newest = max(running.newest, rev)
		if running.commits--; running.commits == 0 {
			delete(s.writing, path)
			if r, ok := written[path]; ok && running.newest == rev && !r.isTooLarge(path) {
				s.set(path, r) // the last write of this path, although other paths may have been written since
			}
		}
		s.mu.Unlock()
	}
}

// changed drops a record that was written at a revision, unless the cache has read it at this revision or later.
func (c *cache) changed(path string, rev int64) {
	s := c.shard(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.floor = max(s.floor, rev)
	if running := s.writing[path]; running != nil {
		running.newest = max(running.newest, rev)
	}
	if s.records[path].rev < rev {
		s.drop(path)
	}
}

// clear drops everything that was read before a revision.
func (c *cache) clear(rev int64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		s.floor = max(s.floor, rev)
		for _, running := range s.writing {
			running.newest = max(running.newest, rev)
		}
		for path, r := range s.records {
			if r.rev < rev {
				s.drop(path)
			}
		}
		s.mu.Unlock()
	}
}
