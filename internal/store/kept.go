package store

// kept is the memory that a transaction uses. Items stay in memory, opened, after a transaction has read or written
// them. A Store that is not shared keeps only the items that [Store.UpdateAt] has read, so that work on all records
// leaves the memory to requests. In the first run of UpdateAt of a shared Store, the transaction also reads memory,
// and the commit checks that the items are the present ones. A nil kept uses no memory.
type kept struct {
	cache   *cache
	source  bool              // the run reads memory first
	omits   bool              // items that the run only reads do not stay in memory
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
	if second := k.seconds[path]; second != "" && (r.second.Rev != 0 || r.alone) {
		loaded[second] = r.second
	}
	return true
}

// opened returns the opened bytes of an item at a revision, if memory has them.
func (k *kept) opened(path string, rev int64) ([]byte, bool) {
	if k == nil {
		return nil, false
	}
	item := k.cache.entry(path).item
	if first := k.firsts[path]; first != "" {
		item = k.cache.entry(first).second
	}
	return item.Value, item.opened && item.Rev == rev
}

// noteOpened keeps an item of the Backend opened, if memory has the item.
func (k *kept) noteOpened(path string, item Item) {
	if k == nil {
		return
	}
	if first := k.firsts[path]; first != "" {
		k.cache.keepOpened(first, true, known{item, true})
	} else {
		k.cache.keepOpened(path, false, known{item, true})
	}
}

// noteRead keeps the items that a run has read at a revision in one Get.
func (k *kept) noteRead(items map[string]Item, rev int64) {
	if k == nil || k.omits || len(items) > MaxBatch {
		return
	}
	for path, item := range items {
		if item.Rev != 0 && k.firsts[path] == "" {
			second, paired := items[k.seconds[path]]
			k.cache.put(path, cached{item: known{Item: item}, second: known{Item: second},
				alone: paired && second.Rev == 0, rev: rev, written: item.Rev})
		}
	}
}

// written returns the entries for the records that a run had read and wrote, if the run was committed. The entries have
// opened bytes, so that no later transaction has to open a value that this process has sealed.
func (k *kept) written(tx *Tx, rev int64) map[string]cached {
	if k == nil || rev == 0 {
		return nil
	}
	var entries map[string]cached
	for path, plain := range tx.written {
		if _, read := tx.loaded[path]; plain == nil || !read || k.firsts[path] != "" {
			continue
		}
		if entries == nil {
			entries = map[string]cached{}
		}
		second, paired := k.secondOf(tx, path, rev)
		entries[path] = cached{item: openedItem(path, plain, rev), second: second,
			alone: paired && second.Rev == 0, rev: rev, written: rev}
	}
	return entries
}

// secondOf returns the second part that the record at a path has after the transaction, and whether that is known.
func (k *kept) secondOf(tx *Tx, path string, rev int64) (second known, paired bool) {
	plain, wrote := tx.written[k.seconds[path]]
	switch {
	case plain != nil:
		return openedItem(k.seconds[path], plain, rev), true
	case wrote:
		return known{}, true
	}
	second, paired = tx.loaded[k.seconds[path]]
	return second, paired
}

func openedItem(path string, plain []byte, rev int64) known {
	return known{Item{Key: []byte(path), Value: plain, Rev: rev}, true}
}
