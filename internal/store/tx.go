package store

import (
	"errors"
	"maps"
	"slices"
)

// A Getter is a [View] or a [Tx], for [Table.Get].
type Getter interface {
	// get returns the opened bytes at a path, and whether the record exists.
	get(path string) ([]byte, bool, error)
	// peek is get for a record that another record covers: a Tx does not check it.
	peek(path string) ([]byte, bool, error)
	// item returns what the Backend has at a path, without the writes of a Tx. A Tx does not check it.
	item(path string) (Item, error)
	// fetch reads records in one round trip, so that the next get of each needs none.
	fetch(refs ...Ref) error
	// beneath returns the underlying View, without the writes of a Tx.
	beneath() (*View, error)
}

// A View is one revision of all records. It is valid until the function that received it returns, and must be
// used by one goroutine at a time.
type View struct {
	reader  Reader
	sealer  Sealer
	cache   *cache
	fetched map[string]Item // the result of the last fetch that had a round trip, by path
	reads   *Reads          // notes what is read; may be nil
	marks   *marks          // nil unless the Store is shared
}

// Rev returns the revision of the View.
func (v *View) Rev() int64 { return v.reader.Rev() }

func (v *View) get(path string) ([]byte, bool, error) {
	plain, rev, err := v.lookup(path)
	return plain, rev != 0, err
}

func (v *View) peek(path string) ([]byte, bool, error) { return v.get(path) }

func (v *View) fetch(refs ...Ref) (err error) {
	isMissing := func(r Ref) bool { _, ok := v.fetched[r.key]; return !ok }
	if slices.ContainsFunc(refs, isMissing) {
		paths := make([]string, len(refs))
		for i, r := range refs {
			paths[i] = r.key
		}
		v.fetched, err = fetch(v.reader, paths)
	}
	return err
}

// fetch returns the items at paths, in as few round trips as a Reader allows.
func fetch(r Reader, paths []string) (map[string]Item, error) {
	fetched := make(map[string]Item, len(paths))
	for page := range slices.Chunk(paths, MaxBatch) {
		keys := make([][]byte, len(page))
		for i, path := range page {
			keys[i] = []byte(path)
		}
		items, err := r.Get(keys...)
		if err != nil {
			return nil, err
		}
		for i, item := range items {
			fetched[page[i]] = item
		}
	}
	return fetched, nil
}

func (v *View) beneath() (*View, error) { return v, nil }

// lookup returns the opened bytes and the revision of the last write, even if the value does not open.
func (v *View) lookup(path string) ([]byte, int64, error) {
	item, err := v.item(path)
	if err != nil || item.Rev == 0 {
		return nil, 0, err
	}
	plain, err := v.open(item)
	return plain, item.Rev, err
}

func (v *View) item(path string) (item Item, err error) {
	item, ok := v.fetched[path]
	if !ok {
		item, err = ReadItem(v.reader, []byte(path))
	}
	if err == nil {
		v.note(path, item.Rev)
	}
	return item, err
}

func (v *View) open(item Item) ([]byte, error) {
	plain, err := v.sealer.Open(item.Key, item.Value)
	if t, ok := errors.AsType[temporary](err); ok && t.Temporary() {
		return nil, err
	}
	if err != nil {
		return nil, &CorruptError{Path: string(item.Key), Err: err}
	}
	return plain, nil
}

// A Tx is one run of a [Store.Update]: the records of one revision together with its own writes. It cannot
// scan. A collection with an invariant has a guard record that every insertion and deletion reads and writes. A
// Tx is valid until the function that received it returns, and must be used by one goroutine at a time.
type Tx struct {
	view    *View
	loaded  map[string]known  // everything that the Backend or memory returned, by path
	read    map[string]int64  // path to revision, 0 if absent; the commit checks these records
	written map[string][]byte // path to opened bytes, nil if deleted
	// unsealed are the values of Unsealed records, by path.
	unsealed map[string][]byte

	kept       *kept // nil if the Tx uses no memory
	conflicted bool
}

func newTx(v *View) *Tx {
	return &Tx{view: v, loaded: map[string]known{}, read: map[string]int64{}, written: map[string][]byte{}}
}

// Conflicted reports whether a commit of an earlier run was in conflict.
func (tx *Tx) Conflicted() bool { return tx.conflicted }

func (tx *Tx) get(path string) ([]byte, bool, error) {
	if _, ok := tx.written[path]; !ok {
		item, err := tx.item(path)
		if err != nil {
			return nil, false, err
		}
		tx.read[path] = item.Rev
	}
	return tx.peek(path)
}

func (tx *Tx) peek(path string) ([]byte, bool, error) {
	if plain, ok := tx.written[path]; ok {
		return plain, plain != nil, nil
	}
	item, err := tx.item(path)
	if err != nil || item.Rev == 0 {
		return nil, false, err
	}
	plain, err := tx.open(item)
	return plain, true, err
}

// open opens an item that the Tx has loaded, unless it is open in the Tx or in memory.
func (tx *Tx) open(item Item) (plain []byte, err error) {
	path := string(item.Key)
	if tx.loaded[path].opened {
		return item.Value, nil
	}
	plain, ok := tx.kept.opened(path, item.Rev)
	if !ok {
		plain, err = tx.view.open(item)
	}
	if item.Value = plain; err != nil {
		return nil, err
	}
	tx.loaded[path] = known{item, true}
	if !ok {
		tx.kept.noteOpened(path, item)
	}
	return plain, nil
}

// A Tx asks the Backend once for each path.
func (tx *Tx) item(path string) (Item, error) {
	err := tx.load(Ref{key: path})
	if err == nil {
		tx.view.note(path, tx.loaded[path].Rev)
	}
	return tx.loaded[path].Item, err
}

func (tx *Tx) fetch(refs ...Ref) error {
	return tx.load(slices.DeleteFunc(slices.Clone(refs), func(r Ref) bool {
		_, written := tx.written[r.key]
		return written
	})...)
}

// load loads the items of records that are not loaded, in one round trip.
func (tx *Tx) load(refs ...Ref) error {
	var missing []string
	for _, r := range refs {
		tx.kept.pair(r)
		if _, loaded := tx.loaded[r.key]; !loaded && !tx.kept.recall(tx.loaded, r.key) {
			missing = append(missing, r.key)
		}
	}
	items, err := fetch(tx.view.reader, missing)
	if err != nil {
		return err
	}
	for path, item := range items {
		tx.loaded[path] = known{Item: item}
	}
	tx.kept.noteRead(items, tx.view.Rev())
	return nil
}

func (tx *Tx) beneath() (*View, error) {
	if tx.kept.isSource() {
		return nil, errNeedsView
	}
	return tx.view, nil
}

func (tx *Tx) put(path string, plain []byte) {
	if plain == nil {
		plain = []byte{}
	}
	tx.written[path] = plain
}

func (tx *Tx) delete(path string) { tx.written[path] = nil }

// batch returns the checks and the sealed writes of the run.
func (tx *Tx) batch() (b Batch, err error) {
	b.Writes = make([]Write, 0, len(tx.written)+len(tx.unsealed))
	if err := tx.seal(&b); err != nil {
		return Batch{}, err
	}
	for path, value := range tx.unsealed {
		b.Writes = append(b.Writes, Write{Key: []byte(path), Value: value})
	}
	b.Checks = make([]Check, 0, len(tx.read))
	for path, rev := range tx.read {
		b.Checks = append(b.Checks, Check{Key: []byte(path), Rev: rev})
	}
	return b, nil
}

// seal adds the sealed writes, in the order of their paths, and the deletions.
func (tx *Tx) seal(b *Batch) error {
	var at []int // of the values among the writes
	var paths, plaintexts [][]byte
	for _, path := range slices.Sorted(maps.Keys(tx.written)) {
		key := []byte(path)
		if plain := tx.written[path]; plain != nil {
			at, paths, plaintexts = append(at, len(b.Writes)), append(paths, key), append(plaintexts, plain)
		}
		b.Writes = append(b.Writes, Write{Key: key})
	}
	sealed, err := sealAll(tx.view.sealer, paths, plaintexts)
	for i, value := range sealed {
		b.Writes[at[i]].Value = value
	}
	return err
}

// sealAll seals values with a Sealer, together if the Sealer can.
func sealAll(s Sealer, paths, plaintexts [][]byte) (sealed [][]byte, err error) {
	if all, ok := s.(AllSealer); ok && len(paths) > 0 {
		return all.SealAll(paths, plaintexts)
	}
	sealed = make([][]byte, len(paths))
	for i, path := range paths {
		if sealed[i], err = s.Seal(path, plaintexts[i]); err != nil {
			return nil, err
		}
	}
	return sealed, nil
}
