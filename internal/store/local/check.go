package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"go.etcd.io/bbolt"
)

// Check looks at every page of the file and returns all that is wrong, each as a
// [*store.CorruptError]. It finds what makes records disappear without a trace,
// brings back older ones, or has the next commit overwrite what is in use: pages
// that are reached twice or never, or from the wrong place; that are in use and
// free; whose elements do not fit; whose keys are out of order. What the values
// are worth it does not know, nor what is in free pages.
//
// No commit may be under way.
func (db *DB) Check(ctx context.Context) error {
	size := db.bolt.Info().PageSize
	err := errors.Join(checkMetas(db.path, size), checkPages(ctx, db.path, size))
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	return db.checkBolt() // which crashes on most of what would have been found by now
}

// checkBolt has bbolt look at its pages too.
func (db *DB) checkBolt() error {
	return db.bolt.View(func(tx *bbolt.Tx) (all error) {
		for err := range tx.Check() {
			all = errors.Join(all, corrupt(db.path, err))
		}
		return all
	})
}

// checkMetas looks at both meta pages. bbolt does with one; the other is that of
// the commit before.
func checkMetas(path string, size int) (all error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, size)
	for number := range uint64(2) {
		if _, err = f.ReadAt(b, int64(number)*int64(size)); err == nil {
			err = checkMeta(number, b)
		}
		if err != nil {
			all = errors.Join(all, corrupt(path, fmt.Errorf("page %d: %w", number, err)))
		}
	}
	return all
}

// checkPages looks at all pages that the file has in use. bbolt believes what it
// reads there, and what has no checksum may lead it to free pages that are in
// use, to a page that holds what once was, or around in circles.
func checkPages(ctx context.Context, path string, size int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := newestMeta(f, size)
	if err != nil {
		return corrupt(path, err)
	}
	go warm(f, int64(m.pages)*int64(size)) // until it is through, or f is closed
	w := &walk{ctx: ctx, path: path, file: f, size: uint64(size), used: make([]bool, m.pages)}
	w.used[0], w.used[1] = true, true
	w.freeList(m.freeList)
	w.tree(subtree{page: m.root}, flagBucket, 0)
	for _, root := range w.buckets {
		w.tree(subtree{page: root}, 0, 0)
	}
	if len(w.failed) == 0 && ctx.Err() == nil {
		w.account()
	}
	return errors.Join(append(w.failed, ctx.Err())...)
}

// warm reads a file in its order, so that the walk, which goes from page to page as
// the keys do, finds them in memory: a disk is many times slower at that.
func warm(f io.ReaderAt, size int64) {
	for b, at := make([]byte, min(size, 1<<20)), int64(0); at < size; at += int64(len(b)) {
		if _, err := f.ReadAt(b, at); err != nil {
			return
		}
	}
}

// newestMeta returns the meta page that bbolt goes by.
func newestMeta(f *os.File, size int) (newest metaPage, err error) {
	info, err := f.Stat()
	if err != nil {
		return metaPage{}, err
	}
	b, found := make([]byte, size), false
	for number := range int64(2) {
		if _, err := f.ReadAt(b, number*int64(size)); err != nil {
			return metaPage{}, err
		}
		if m, err := parseMeta(b); err == nil && (!found || m.transaction > newest.transaction) {
			newest, found = m, true
		}
	}
	if !found || newest.pages < 2 || newest.pages > uint64(info.Size())/uint64(size) {
		return metaPage{}, errors.New("no meta page is whole, or the file is cut short")
	}
	return newest, nil
}

// A walk goes through the pages of a file, none of which it believes.
type walk struct {
	ctx     context.Context
	path    string
	file    io.ReaderAt
	size    uint64    // of a page
	used    []bool    // by page: something has it
	depths  []scratch // of the page at each depth that is being looked at
	buckets []uint64  // roots of those that the root names
	failed  []error
}

// maxFailed is how many pages are reported: where so many are damaged, so is the
// disk.
const maxFailed = 100

type scratch struct {
	page     []byte
	elements []element
}

// A subtree is a page and the keys that are at and under it: from the first to
// before to, nil for no bound.
type subtree struct {
	page     uint64
	from, to []byte
}

func (w *walk) fail(page uint64, err error) {
	w.failed = append(w.failed, corrupt(w.path, fmt.Errorf("page %d: %w", page, err)))
}

// tree goes through the pages of a subtree. Every leaf element must have these
// flags.
func (w *walk) tree(s subtree, flags uint32, depth int) {
	if w.ctx.Err() != nil || len(w.failed) >= maxFailed {
		return
	}
	elements, kind, err := w.elements(s, depth)
	switch {
	case err == nil && kind == kindLeaf:
		err = w.leaf(elements, flags)
	case err == nil && len(elements) == 0:
		err = errors.New("a branch without pages below it")
	}
	if err != nil {
		w.fail(s.page, fmt.Errorf("of the records from %q to %q: %w", s.from, s.to, err))
		return
	}
	for i := 0; kind == kindBranch && i < len(elements); i++ {
		below := subtree{elements[i].below, elements[i].key, s.to}
		if i+1 < len(elements) {
			below.to = elements[i+1].key
		}
		w.tree(below, flags, depth+1)
	}
}

// elements returns those of the page at the top of a subtree. They are good until
// the next page of this depth is read.
func (w *walk) elements(s subtree, depth int) ([]element, uint16, error) {
	p, err := w.read(s.page, depth)
	if err != nil {
		return nil, 0, err
	}
	elements, end, err := p.elements(w.depths[depth].elements)
	if err == nil && (end-1)/w.size != p.overflow {
		err = errLayout
	}
	if err == nil {
		err = inOrder(elements, s)
	}
	w.depths[depth].elements = elements
	return elements, p.kind, err
}

// inOrder tells whether keys grow, from the very key that leads to the page: with
// any other bbolt would, when it writes the page anew, leave the old one in the
// tree beside it.
func inOrder(elements []element, s subtree) error {
	if s.from != nil && (len(elements) == 0 || !bytes.Equal(elements[0].key, s.from)) {
		return errors.New("it does not begin with the key that leads to it")
	}
	var last []byte
	for i, e := range elements {
		if i > 0 && bytes.Compare(last, e.key) >= 0 {
			return errors.New("its keys are out of order")
		}
		last = e.key
	}
	if s.to != nil && bytes.Compare(last, s.to) >= 0 {
		return errors.New("it has keys of another page")
	}
	return nil
}

// leaf looks at the elements of a leaf: records, or in the root the buckets.
func (w *walk) leaf(elements []element, flags uint32) error {
	for _, e := range elements {
		switch {
		case e.flags != flags:
			return fmt.Errorf("%q is marked as something else", e.key)
		case flags != flagBucket:
		case len(e.value) < 16:
			return fmt.Errorf("bucket %q is cut short", e.key)
		case order.Uint64(e.value) == 0:
			if err := inlineBucket(e.value[16:]); err != nil {
				return fmt.Errorf("bucket %q: %w", e.key, err)
			}
		default:
			w.buckets = append(w.buckets, order.Uint64(e.value))
		}
	}
	return nil
}

// inlineBucket looks at a bucket that is so small that it is kept as a value.
func inlineBucket(b []byte) error {
	if len(b) < pageHeader {
		return errLayout
	}
	p := parsePage(b)
	elements, end, err := p.elements(nil)
	if err != nil || p.number != 0 || p.kind != kindLeaf || p.overflow != 0 || end != uint64(len(b)) {
		return errLayout
	}
	for _, e := range elements {
		if e.flags != 0 {
			return fmt.Errorf("%q is marked as something else", e.key)
		}
	}
	return inOrder(elements, subtree{})
}

// freeList marks the pages of the free list and those in it.
func (w *walk) freeList(number uint64) {
	p, err := w.read(number, 0)
	if err == nil {
		err = w.markFree(p)
	}
	if err != nil {
		w.fail(number, fmt.Errorf("free list: %w", err))
	}
}

func (w *walk) markFree(p page) error {
	numbers, err := p.free()
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if err := w.claim(number, 0); err != nil {
			return err
		}
	}
	return nil
}

// read returns a page, which nothing else may have.
func (w *walk) read(number uint64, depth int) (page, error) {
	if number >= uint64(len(w.used)) {
		return page{}, fmt.Errorf("page %d is not in the file", number)
	}
	if depth == len(w.depths) {
		w.depths = append(w.depths, scratch{page: make([]byte, w.size)})
	}
	b, at := w.depths[depth].page, int64(number*w.size)
	if _, err := w.file.ReadAt(b, at); err != nil {
		return page{}, err
	}
	p := parsePage(b)
	if p.number != number {
		return page{}, fmt.Errorf("it says it is page %d", p.number)
	}
	if err := w.claim(number, p.overflow); err != nil || p.overflow == 0 {
		return p, err
	}
	p.bytes = make([]byte, (p.overflow+1)*w.size)
	_, err := w.file.ReadAt(p.bytes, at)
	return p, err
}

// claim marks a page as used, with those that are a part of it.
func (w *walk) claim(number, overflow uint64) error {
	if number+overflow >= uint64(len(w.used)) || number+overflow < number {
		return fmt.Errorf("pages %d to %d are not all in the file", number, number+overflow)
	}
	for i := number; i <= number+overflow; i++ {
		if w.used[i] {
			return fmt.Errorf("page %d is in use twice, or is free too", i)
		}
		w.used[i] = true
	}
	return nil
}

// account finds pages that nothing has.
func (w *walk) account() {
	for number, used := range w.used {
		if !used {
			w.fail(uint64(number), errors.New("nothing leads to it, and it is not free"))
			return
		}
	}
}
