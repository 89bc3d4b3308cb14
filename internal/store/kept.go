package store

// kept is how a transaction of a shared Store uses memory. In its first run the transaction reads there, and the
// commit checks that the items are the present ones. The items that it reads and writes stay in memory for the next
// transaction. A nil kept uses no memory.
type kept struct {
	cache   *cache
	source  bool              // the run reads memory first
	seconds map[string]string // from the first to the second part of Joined records
	firsts  map[string]string // the reverse
}

// isSource reports whether the run reads memory first.
func (k *kept) isSource() bool { return k != nil && k.source }

// pair notes that a run reads a Joined record.
func (k *kept) pair(r Ref) {
	if k == nil || r.second == "" {
		return
	}
	if k.seconds == nil {
		k.seconds, k.firsts = map[string]string{}, map[string]string{}
	}
	k.seconds[r.key], k.firsts[r.second] = r.second, r.key
}

// recall loads the item at a path from memory, if the run reads memory and memory has it. The second part of a Joined
// record is loaded only with its first part: the check of the first part covers it.
func (k *kept) recall(loaded map[string]known, path string) bool {
	if !k.isSource() || k.firsts[path] != "" {
		return false
	}
	r := k.cache.entry(path)
	if r.item.Value == nil {
		return false
	}
	loaded[path] = r.item
	if second := k.seconds[path]; second != "" && r.second.Rev != 0 {
		loaded[second] = r.second
	}
	return true
}

// noteRead keeps the items that a run has read at a revision in one Get.
func (k *kept) noteRead(items map[string]Item, rev int64) {
	if k == nil || len(items) > MaxBatch {
		return
	}
	for path, item := range items {
		if item.Rev != 0 && k.firsts[path] == "" {
			second := known{Item: items[k.seconds[path]]}
			k.cache.put(path, cached{item: known{Item: item}, second: second, rev: rev, written: item.Rev})
		}
	}
}

// written returns the entries for the records that a run had read and wrote, if the run was committed. The entries have
// opened bytes, so that no later transaction has to open a value that this process has sealed.
func (k *kept) written(tx *Tx, rev int64) map[string]cached {
	if k == nil || rev == 0 {
		return nil
	}
	now := map[string]known{}
	for path, plain := range tx.written {
		if plain != nil {
			now[path] = known{Item{Key: []byte(path), Value: plain, Rev: rev}, true}
		}
	}
	entries := map[string]cached{}
	for path, item := range now {
		if _, read := tx.loaded[path]; !read || k.firsts[path] != "" {
			continue
		}
		second, ok := now[k.seconds[path]]
		if !ok {
			second = tx.loaded[k.seconds[path]]
		}
		entries[path] = cached{item: item, second: second, rev: rev, written: rev}
	}
	return entries
}
