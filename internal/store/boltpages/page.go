package boltpages

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
)

// The pages of a bbolt file (go.etcd.io/bbolt/internal/common, version 2), in the byte order of the machine:
//
//	page       number (8 bytes), kind (2), count (2), overflow (4): the number of following pages that belong to it
//	leaf       count elements: flags (4), position (4), key size (4), value size (4)
//	branch     count elements: position (4), key size (4), number of the page below (8)
//	free list  count page numbers (8 each); if count is 65535, the first number is the count of the numbers after it
//	meta       magic (4), version (4), page size (4), flags (4), root (8), sequence (8), free list (8),
//	           pages of the file (8), transaction (8), FNV-1a of all of these (8)
//	bucket     a value of the root: number of its root page (8), sequence (8); if the number is 0, the page follows
//
// A position counts from the start of its element. The keys and values of a page follow its elements without
// gaps. bbolt would read them with gaps, but never writes them so.
const (
	pageHeader  = 16
	elementSize = 16
	metaSize    = 64

	kindBranch   = 1
	kindLeaf     = 2
	kindMeta     = 4
	kindFreeList = 16

	flagBucket = 1 // flag of a leaf element
)

var order = binary.NativeEndian

// A page is a page of the file together with its overflow pages, or a page that is stored as a value.
type page struct {
	number   uint64
	kind     uint16
	count    uint64
	overflow uint64
	bytes    []byte // including the header
}

func parsePage(b []byte) page {
	return page{
		number:   order.Uint64(b),
		kind:     order.Uint16(b[8:]),
		count:    uint64(order.Uint16(b[10:])),
		overflow: uint64(order.Uint32(b[12:])),
		bytes:    b,
	}
}

// An element is a key of a page with its value, or with the page below.
type element struct {
	flags      uint32
	key, value []byte
	below      uint64
}

var errLayout = errors.New("the elements do not fill the page as bbolt writes them")

// elements returns the elements of a leaf or branch and the offset of their end. It reuses all if there is
// room.
func (p page) elements(all []element) ([]element, uint64, error) {
	all = all[:0]
	end := pageHeader + p.count*elementSize
	if p.kind != kindBranch && p.kind != kindLeaf || end > uint64(len(p.bytes)) {
		return nil, 0, errLayout
	}
	for i := range p.count {
		at := pageHeader + i*elementSize
		e, position, sizes := p.element(at)
		if at+position != end || sizes[0] == 0 || end+sizes[0]+sizes[1] > uint64(len(p.bytes)) {
			return nil, 0, errLayout
		}
		e.key = p.bytes[end : end+sizes[0]]
		end += sizes[0]
		e.value = p.bytes[end : end+sizes[1]]
		end += sizes[1]
		all = append(all, e)
	}
	return all, end, nil
}

// element parses an element's header. sizes are the sizes of its key and value.
func (p page) element(at uint64) (e element, position uint64, sizes [2]uint64) {
	word := func(i int) uint64 { return uint64(order.Uint32(p.bytes[at+4*uint64(i):])) }
	if p.kind == kindBranch {
		e.below = order.Uint64(p.bytes[at+8:])
		return e, word(0), [2]uint64{word(1)}
	}
	e.flags = uint32(word(0))
	return e, word(1), [2]uint64{word(2), word(3)}
}

// free returns the page numbers in a free list.
func (p page) free() (numbers []uint64, err error) {
	from, n := uint64(pageHeader), p.count
	if n == 0xffff {
		from, n = from+8, order.Uint64(p.bytes[from:])
	}
	if p.kind != kindFreeList || n > (uint64(len(p.bytes))-from)/8 {
		return nil, errors.New("it is not a free list")
	}
	for i := range n {
		numbers = append(numbers, order.Uint64(p.bytes[from+8*i:]))
	}
	return numbers, nil
}

// noFreeList is the page of the free list in a file without such a list. All pages that are not in use are free there.
const noFreeList = ^uint64(0)

// A metaPage is one of the first two pages. bbolt writes them in turn, and uses the intact one of the later
// transaction.
type metaPage struct {
	root, freeList, pages, transaction uint64
}

func parseMeta(b []byte) (metaPage, error) {
	b = b[pageHeader : pageHeader+metaSize]
	sum := fnv.New64a()
	sum.Write(b[:metaSize-8])
	if sum.Sum64() != order.Uint64(b[metaSize-8:]) {
		return metaPage{}, errors.New("wrong checksum")
	}
	return metaPage{order.Uint64(b[16:]), order.Uint64(b[32:]), order.Uint64(b[40:]), order.Uint64(b[48:])}, nil
}

// checkMeta checks all of a meta page, even if bbolt does not use it.
func checkMeta(number uint64, b []byte) error {
	p := parsePage(b)
	if p.number != number || p.kind != kindMeta || p.count != 0 || p.overflow != 0 {
		return errors.New("it is not a meta page")
	}
	_, err := parseMeta(b)
	return err
}
