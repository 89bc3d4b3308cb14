// Package boltpages checks the pages of a bbolt file, whose content has no checksum and is trusted by bbolt. It
// reads version 2 of the file's format. It opens no database and repairs nothing.
package boltpages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/keyhold/keyhold/internal/store"
)

// CheckMetas checks both meta pages. bbolt needs only one of them; the other belongs to the commit before.
func CheckMetas(path string, size int) (all error) {
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

// CheckPages checks all pages that the file uses. bbolt trusts their content, which has no checksum. Damage
// could lead bbolt to free pages that are in use, to a page with old content, or into a cycle.
func CheckPages(ctx context.Context, path string, size int) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	m, err := newestMeta(f, size)
	if err != nil {
		return corrupt(path, err)
	}
	go readAhead(f, int64(m.pages)*int64(size)) // ends at the end of the data, or when f is closed
	w := &walk{ctx: ctx, path: path, file: f, size: uint64(size), used: make([]bool, m.pages)}
	w.used[0], w.used[1] = true, true
	listed := m.freeList != noFreeList
	if listed {
		w.freeList(m.freeList)
	}
	w.tree(subtree{page: m.root}, flagBucket, 0)
	for _, root := range w.buckets {
		w.tree(subtree{page: root}, 0, 0)
	}
	if listed && len(w.failed) == 0 && ctx.Err() == nil {
		w.findLeaks()
	}
	return errors.Join(append(w.failed, ctx.Err())...)
}

// readAhead reads a file sequentially, so that the walk, which follows the order of keys, finds the pages in memory.
// Disks are many times slower at reading in another order.
func readAhead(f io.ReaderAt, size int64) {
	for b, at := make([]byte, min(size, 1<<20)), int64(0); at < size; at += int64(len(b)) {
		if _, err := f.ReadAt(b, at); err != nil {
			return
		}
	}
}

// newestMeta returns the meta page that bbolt uses.
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
		return metaPage{}, errors.New("no meta page is intact, or the file is truncated")
	}
	return newest, nil
}

// A walk visits the pages of a file without trusting their content.
type walk struct {
	ctx     context.Context
	path    string
	file    io.ReaderAt
	size    uint64    // page size
	used    []bool    // by page number: the page is in use or free
	depths  []scratch // buffers for the page at each depth of the present path
	buckets []uint64  // root pages of the buckets in the root bucket
	failed  []error
}

// MaxFailed is the maximum number of faulty pages in a report. More faults mean that the disk is damaged as a
// whole.
const MaxFailed = 100

type scratch struct {
	page     []byte
	elements []element
}

// A subtree is a page and the range of keys in it and below it, from from (inclusive) to to (exclusive). A nil
// bound is open.
type subtree struct {
	page     uint64
	from, to []byte
}

func (w *walk) fail(page uint64, err error) {
	w.failed = append(w.failed, corrupt(w.path, fmt.Errorf("page %d: %w", page, err)))
}

// tree checks the pages of a subtree. Every leaf element must have these flags.
func (w *walk) tree(s subtree, flags uint32, depth int) {
	if w.ctx.Err() != nil || len(w.failed) >= MaxFailed {
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
		w.fail(s.page, fmt.Errorf("records from %q to %q: %w", s.from, s.to, err))
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

// elements returns the elements of the page at the top of a subtree. They are valid until the next page of the
// same depth is read.
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

// inOrder returns an error unless the keys increase, beginning with the key that refers to the page. With any
// other first key, bbolt would keep the old page in the tree when it rewrites the page.
func inOrder(elements []element, s subtree) error {
	if s.from != nil && (len(elements) == 0 || !bytes.Equal(elements[0].key, s.from)) {
		return errors.New("the first key is not the one in the branch above")
	}
	var last []byte
	for i, e := range elements {
		if i > 0 && bytes.Compare(last, e.key) >= 0 {
			return errors.New("the keys are out of order")
		}
		last = e.key
	}
	if s.to != nil && bytes.Compare(last, s.to) >= 0 {
		return errors.New("the last key belongs to another page")
	}
	return nil
}

// leaf checks the elements of a leaf: records, or buckets in the root.
func (w *walk) leaf(elements []element, flags uint32) error {
	for _, e := range elements {
		switch {
		case e.flags != flags:
			return fmt.Errorf("%q has the wrong flags", e.key)
		case flags != flagBucket:
		case len(e.value) < 16:
			return fmt.Errorf("bucket %q is truncated", e.key)
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

// inlineBucket checks a bucket that is small enough to be stored as a value.
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
			return fmt.Errorf("%q has the wrong flags", e.key)
		}
	}
	return inOrder(elements, subtree{})
}

// freeList marks the pages of the free list, and the pages that it lists.
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

// read returns a page and marks it. The page must not be marked yet.
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
		return page{}, fmt.Errorf("its header has the page number %d", p.number)
	}
	if err := w.claim(number, p.overflow); err != nil || p.overflow == 0 {
		return p, err
	}
	p.bytes = make([]byte, (p.overflow+1)*w.size)
	_, err := w.file.ReadAt(p.bytes, at)
	return p, err
}

// claim marks a page and its overflow pages as used.
func (w *walk) claim(number, overflow uint64) error {
	if number+overflow >= uint64(len(w.used)) || number+overflow < number {
		return fmt.Errorf("pages %d to %d are not all in the file", number, number+overflow)
	}
	for i := number; i <= number+overflow; i++ {
		if w.used[i] {
			return fmt.Errorf("page %d is in use twice, or in use and free", i)
		}
		w.used[i] = true
	}
	return nil
}

// findLeaks reports a page that is neither in use nor free.
func (w *walk) findLeaks() {
	for number, used := range w.used {
		if !used {
			w.fail(uint64(number), errors.New("it is neither in use nor free"))
			return
		}
	}
}

func corrupt(path string, err error) error { return &store.CorruptError{Path: path, Err: err} }
