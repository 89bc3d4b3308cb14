package boltpages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// The tests write a small file by hand. Its pages:
//
//	0, 1  meta; the one of page 1 is newer
//	2     free list: 10
//	3     leaf of the root bucket: the bucket "inline", and "records" with root 4, "slots" with root 9
//	4     branch: "a" in page 5, "m" in page 6
//	5     leaf: "a", "b"
//	6-8   leaf: "m", "z" with a value of two pages
//	9     leaf: "s"
//	10    free
const (
	testSize  = 256
	testPages = 11
)

// put writes a page, which may be longer than the page size.
func (f testFile) put(number uint64, kind uint16, count int, rest []byte) {
	b := order.AppendUint64(nil, number)
	b = order.AppendUint16(b, kind)
	b = order.AppendUint16(b, uint16(count))
	b = order.AppendUint32(b, uint32((pageHeader+len(rest)-1)/testSize))
	at := number * testSize
	clear(f[at:min(len(f), int(at+testSize))])
	copy(f[at:], append(b, rest...))
}

type testFile []byte

// page returns the bytes of the file from a page on.
func (f testFile) page(number int) []byte { return f[number*testSize:] }

// A testElement is an element of a leaf, or with below of a branch.
type testElement struct {
	flags      uint32
	key, value string
	below      uint64
}

// body returns the elements of a page as bbolt writes them.
func body(kind uint16, elements ...testElement) []byte {
	var heads, texts []byte
	for i, e := range elements {
		position := uint32((len(elements)-i)*elementSize + len(texts))
		if kind == kindBranch {
			heads = order.AppendUint32(heads, position)
			heads = order.AppendUint32(heads, uint32(len(e.key)))
			heads = order.AppendUint64(heads, e.below)
		} else {
			for _, field := range []uint32{e.flags, position, uint32(len(e.key)), uint32(len(e.value))} {
				heads = order.AppendUint32(heads, field)
			}
		}
		texts = append(texts, e.key+e.value...)
	}
	return append(heads, texts...)
}

func (f testFile) elements(number uint64, kind uint16, elements ...testElement) {
	f.put(number, kind, len(elements), body(kind, elements...))
}

func (f testFile) meta(number int, m metaPage) {
	b := order.AppendUint32(nil, 0xED0CDAED)
	b = order.AppendUint32(b, 2)
	b = order.AppendUint32(b, testSize)
	b = order.AppendUint32(b, 0)
	for _, field := range []uint64{m.root, 0, m.freeList, m.pages, m.transaction} {
		b = order.AppendUint64(b, field)
	}
	sum := fnv.New64a()
	sum.Write(b)
	f.put(uint64(number), kindMeta, 0, order.AppendUint64(b, sum.Sum64()))
}

func (f testFile) free(numbers ...uint64) {
	var b []byte
	for _, n := range numbers {
		b = order.AppendUint64(b, n)
	}
	f.put(2, kindFreeList, len(numbers), b)
}

// bucket returns the value of a bucket with a root page, or with page 0 and what follows the header.
func bucket(root uint64, inline string) string {
	return string(order.AppendUint64(order.AppendUint64(nil, root), 0)) + inline
}

// inline returns the page of an inline bucket.
func inline(elements ...testElement) string {
	b := append(order.AppendUint64(nil, 0), make([]byte, 8)...)
	order.PutUint16(b[8:], kindLeaf)
	order.PutUint16(b[10:], uint16(len(elements)))
	return string(append(b, body(kindLeaf, elements...)...))
}

var testMeta = metaPage{root: 3, freeList: 2, pages: testPages, transaction: 5}

func sound() testFile {
	f := make(testFile, testPages*testSize)
	f.meta(0, metaPage{root: 77, freeList: 78, pages: 79, transaction: 4})
	f.meta(1, testMeta)
	f.free(10)
	f.elements(3, kindLeaf,
		testElement{flagBucket, "inline", bucket(0, inline(testElement{key: "i", value: "1"})), 0},
		testElement{flagBucket, "records", bucket(4, ""), 0},
		testElement{flagBucket, "slots", bucket(9, ""), 0})
	f.elements(4, kindBranch, testElement{key: "a", below: 5}, testElement{key: "m", below: 6})
	f.elements(5, kindLeaf, testElement{key: "a", value: "1"}, testElement{key: "b"})
	f.elements(6, kindLeaf, testElement{key: "m"}, testElement{key: "z", value: strings.Repeat("v", 2*testSize)})
	f.elements(9, kindLeaf, testElement{key: "s", value: "2"})
	return f
}

func (f testFile) write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, f, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// errorOf returns the error of CheckPages, and "" for a sound file. The error must be a CorruptError.
func (f testFile) errorOf(t *testing.T) string {
	t.Helper()
	path := f.write(t)
	err := CheckPages(t.Context(), path, testSize)
	if err == nil {
		return ""
	}
	if c, ok := errors.AsType[*store.CorruptError](err); !ok || c.Path != path {
		t.Errorf("%v is not a CorruptError", err)
	}
	return err.Error()
}

// CheckPages accepts every form that a sound file can have.
func TestSoundPages(t *testing.T) {
	for name, change := range map[string]func(testFile) testFile{
		"as it is":      func(f testFile) testFile { return f },
		"a longer file": func(f testFile) testFile { return append(f, make([]byte, testSize)...) },
		"no pages free": func(f testFile) testFile {
			m := testMeta
			m.pages--
			f.meta(1, m)
			f.free()
			return f[:len(f)-testSize]
		},
		"a long list": func(f testFile) testFile { f.put(2, kindFreeList, 0xffff, longList(1, 10)); return f },
		"a full list": func(f testFile) testFile {
			numbers := make([]uint64, 30)
			for i := range numbers {
				numbers[i] = uint64(10 + i)
			}
			m := testMeta
			m.pages += 29
			f = append(f, make([]byte, 29*testSize)...)
			f.meta(1, m)
			f.free(numbers...)
			return f
		},
		"two full pages": func(f testFile) testFile {
			f.elements(9, kindLeaf, testElement{key: "s", value: strings.Repeat("v", 2*testSize-pageHeader-elementSize-1)})
			f.free()
			return f
		},
		"a byte on the second page": func(f testFile) testFile {
			f.elements(9, kindLeaf, testElement{key: "s", value: strings.Repeat("v", testSize-pageHeader-elementSize)})
			f.free()
			return f
		},
		"metas of one transaction": func(f testFile) testFile { m := testMeta; f.meta(0, m); m.root = 77; f.meta(1, m); return f },
		"no free list": func(f testFile) testFile {
			m := testMeta
			m.freeList = noFreeList
			f.meta(1, m)
			return f
		},
		"no bucket":     func(f testFile) testFile { f.elements(3, kindLeaf); f.free(4, 5, 6, 7, 8, 9, 10); return f },
		"an empty leaf": func(f testFile) testFile { f.elements(9, kindLeaf); return f },
		"a full page":   func(f testFile) testFile { f.filled(9, 0); return f },
		"the first meta": func(f testFile) testFile {
			copy(f, f[testSize:2*testSize])
			f[0] = 0
			f.meta(1, metaPage{transaction: 4})
			return f
		},
		"only the first meta, of the first transaction": func(f testFile) testFile {
			m := testMeta
			m.transaction = 0
			f.meta(0, m)
			f[testSize+pageHeader]++
			return f
		},
		"a branch below a branch": func(f testFile) testFile {
			f.elements(9, kindBranch, testElement{key: "s", below: 10})
			f.elements(10, kindLeaf, testElement{key: "s"})
			f.free()
			return f
		},
		"bytes after the elements": func(f testFile) testFile { f[6*testSize-1] = 1; return f },
	} {
		if got := change(sound()).errorOf(t); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// longList returns the content of a free list whose count does not fit its header.
func longList(numbers ...uint64) (b []byte) {
	for _, n := range numbers {
		b = order.AppendUint64(b, n)
	}
	return b
}

// filled writes a leaf that leaves this many bytes of its page free.
func (f testFile) filled(number uint64, free int) {
	f.elements(number, kindLeaf, testElement{key: "s", value: strings.Repeat("v", testSize-pageHeader-elementSize-1-free)})
}

// CheckPages finds each kind of fault, and reports the page.
func TestFaultyPages(t *testing.T) {
	root := func(f testFile, value string) {
		f.elements(3, kindLeaf,
			testElement{flagBucket, "records", bucket(4, ""), 0}, testElement{flagBucket, "slots", bucket(9, ""), 0},
			testElement{flagBucket, "wrong", value, 0})
	}
	noMeta := "no meta page is intact, or the file is truncated"
	layout := errLayout.Error()
	for name, test := range map[string]struct {
		damage func(testFile) testFile
		want   []string // parts of the error
	}{
		"both metas":         {func(f testFile) testFile { f[pageHeader+8]++; f[testSize+pageHeader+55]++; return f }, []string{noMeta}},
		"no page of a meta":  {func(f testFile) testFile { f.meta(1, metaPage{pages: 1, transaction: 5}); return f }, []string{noMeta}},
		"two pages, no root": {func(f testFile) testFile { f.meta(1, metaPage{pages: 2, transaction: 5}); return f }, []string{"page 0 is in use twice"}},
		"a truncated file":   {func(f testFile) testFile { return f[:len(f)-1] }, []string{noMeta}},
		"a file of a page":   {func(f testFile) testFile { return f[:testSize] }, []string{"EOF"}},

		"no free list":             {func(f testFile) testFile { f.elements(2, kindLeaf); return f }, []string{"page 2: free list: it is not a free list"}},
		"a free list elsewhere":    {func(f testFile) testFile { f.page(2)[0] = 4; return f }, []string{"page 2: free list: its header has the page number 4"}},
		"a free page in use":       {func(f testFile) testFile { f.free(5); return f }, []string{"page 5 is in use twice", "records from"}},
		"a free page twice":        {func(f testFile) testFile { f.free(10, 10); return f }, []string{"page 2: free list: page 10 is in use twice"}},
		"a free page outside":      {func(f testFile) testFile { f.free(11); return f }, []string{"page 2: free list: pages 11 to 11 are not all in the file"}},
		"a free meta":              {func(f testFile) testFile { f.free(1); return f }, []string{"page 2: free list: page 1 is in use twice"}},
		"the other meta free":      {func(f testFile) testFile { f.free(0); return f }, []string{"page 2: free list: page 0 is in use twice"}},
		"too many free pages":      {func(f testFile) testFile { order.PutUint16(f.page(2)[10:], 31); return f }, []string{"page 2: free list: it is not a free list"}},
		"far too many free pages":  {func(f testFile) testFile { f.put(2, kindFreeList, 0xffff, longList(30, 10)); return f }, []string{"it is not a free list"}},
		"a page that is lost":      {func(f testFile) testFile { f.free(); return f }, []string{"page 10: it is neither in use nor free"}},
		"a longer list, a page in": {func(f testFile) testFile { f.put(2, kindFreeList, 0xffff, longList(1, 9)); return f }, []string{"page 9 is in use twice"}},

		"a root outside":  {func(f testFile) testFile { m := testMeta; m.root = 11; f.meta(1, m); return f }, []string{"page 11 is not in the file"}},
		"overflow out":    {func(f testFile) testFile { f.page(9)[12] = 2; return f }, []string{"pages 9 to 11 are not all in the file"}},
		"overflow wraps":  {func(f testFile) testFile { m := testMeta; m.root = 1 << 63; f.meta(1, m); return f }, []string{"is not in the file"}},
		"overflow in use": {func(f testFile) testFile { f.page(5)[12] = 1; return f }, []string{"page 6 is in use twice"}},
		"overflow unused": {func(f testFile) testFile { f.page(9)[12] = 1; f.free(); return f }, []string{"page 9: records", layout}},
		"a page missing": {func(f testFile) testFile {
			f.elements(6, kindLeaf, testElement{key: "m"}, testElement{key: "z", value: strings.Repeat("v", testSize)})
			f.page(6)[12] = 2
			return f
		}, []string{"page 6: records", layout}},
		"a page that only just overflows": {func(f testFile) testFile { f.filled(9, 0); f.page(9)[12] = 1; f.free(); return f }, []string{layout}},
		"another number":                  {func(f testFile) testFile { f.page(5)[0] = 9; return f }, []string{"page 5: records", "its header has the page number 9"}},
		"neither leaf nor branch":         {func(f testFile) testFile { f.page(5)[8] = kindMeta; return f }, []string{"page 5: records", layout}},
		"more elements than fit":          {func(f testFile) testFile { f.page(5)[10] = 16; return f }, []string{"page 5: records", layout}},
		"elements that fill the page":     {func(f testFile) testFile { f.page(5)[10] = 15; return f }, []string{"page 5: records", layout}},
		"a gap":                           {func(f testFile) testFile { f.page(5)[pageHeader+4]++; return f }, []string{"page 5: records", layout}},
		"an empty key":                    {func(f testFile) testFile { f.elements(9, kindLeaf, testElement{value: "2"}); return f }, []string{"page 9: records", layout}},
		"a value beyond the page":         {func(f testFile) testFile { f.filled(9, 0); f.page(9)[pageHeader+12]++; return f }, []string{"page 9: records", layout}},
		"a key beyond the page": {func(f testFile) testFile {
			f.elements(9, kindLeaf, testElement{key: strings.Repeat("k", testSize-pageHeader-elementSize)})
			f.page(9)[pageHeader+8]++
			return f
		}, []string{"page 9: records", layout}},

		"an empty branch":   {func(f testFile) testFile { f.elements(9, kindBranch); return f }, []string{"page 9: records", "a branch without pages below it"}},
		"a loop":            {func(f testFile) testFile { f.elements(9, kindBranch, testElement{key: "s", below: 9}); return f }, []string{"page 9 is in use twice"}},
		"another first key": {func(f testFile) testFile { f.elements(5, kindLeaf, testElement{key: "b"}); return f }, []string{`page 5: records from "a" to "m": the first key is not the one in the branch above`}},
		"no first key":      {func(f testFile) testFile { f.elements(5, kindLeaf); return f }, []string{`page 5: records from "a" to "m": the first key is not the one in the branch above`}},
		"a key of the next": {func(f testFile) testFile {
			f.elements(5, kindLeaf, testElement{key: "a"}, testElement{key: "m"})
			return f
		}, []string{`page 5: records from "a" to "m": the last key belongs to another page`}},
		"a key of a page below the next branch": {func(f testFile) testFile {
			f.elements(5, kindBranch, testElement{key: "a", below: 10})
			f.elements(10, kindLeaf, testElement{key: "a"}, testElement{key: "n"})
			f.free()
			return f
		}, []string{`page 10: records from "a" to "m": the last key belongs to another page`}},
		"keys out of order": {func(f testFile) testFile {
			f.elements(5, kindLeaf, testElement{key: "a"}, testElement{key: "c"}, testElement{key: "b"})
			return f
		}, []string{`page 5: records from "a" to "m": the keys are out of order`}},
		"a key twice": {func(f testFile) testFile {
			f.elements(5, kindLeaf, testElement{key: "a"}, testElement{key: "a"})
			return f
		}, []string{`page 5: records from "a" to "m": the keys are out of order`}},

		"a bucket among the records": {func(f testFile) testFile {
			f.elements(9, kindLeaf, testElement{flags: flagBucket, key: "s", value: bucket(0, inline())})
			return f
		}, []string{`page 9: records`, `"s" has the wrong flags`}},
		"a record among the buckets": {func(f testFile) testFile { root(f, ""); f.page(3)[pageHeader] = 0; return f }, []string{`page 3: records`, `"records" has the wrong flags`}},
		"a short bucket":             {func(f testFile) testFile { root(f, bucket(10, "")[:15]); return f }, []string{`bucket "wrong" is truncated`}},
		"a bucket of a free page":    {func(f testFile) testFile { root(f, bucket(10, "")); f.page(10)[0] = 10; return f }, []string{"page 10 is in use twice"}},
		"a bucket twice":             {func(f testFile) testFile { root(f, bucket(9, "")); return f }, []string{"page 9 is in use twice"}},
		"a wrong inline bucket":      {func(f testFile) testFile { root(f, bucket(0, inline()[:15])); return f }, []string{`page 3: records`, `bucket "wrong": ` + layout}},
		"two faults": {func(f testFile) testFile { f.page(5)[0]++; f.page(9)[0]++; return f },
			[]string{"page 5: records", "page 9: records"}},
	} {
		f := test.damage(sound())
		got := f.errorOf(t)
		for _, part := range test.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: got %q, want %q", name, got, part)
			}
		}
	}
}

// A fault hides the pages that nothing refers to because of it.
func TestLostPagesAreReportedOnlyAlone(t *testing.T) {
	f := sound()
	f.page(4)[0]++
	if got := f.errorOf(t); strings.Contains(got, "neither in use nor free") || strings.Count(got, "page 4") != 1 {
		t.Errorf("got %s", got)
	}
	f = sound()
	f.elements(3, kindLeaf)
	if got := f.errorOf(t); strings.Count(got, "neither in use nor free") != 1 || !strings.Contains(got, "page 4: ") {
		t.Errorf("got %s", got)
	}
}

// Without a free list, all pages that are not in use are free, and other faults are found.
func TestFaultWithoutFreeList(t *testing.T) {
	f := sound()
	m := testMeta
	m.freeList = noFreeList
	f.meta(1, m)
	f.elements(4, kindBranch, testElement{key: "a", below: 5}, testElement{key: "m", below: 5})
	if got := f.errorOf(t); !strings.Contains(got, "page 5 is in use twice") {
		t.Errorf("got %s", got)
	}
}

// CheckPages stops at the limit of faulty pages, and when its context ends.
func TestEndsOfCheckPages(t *testing.T) {
	const pages = 105
	f := make(testFile, (4+pages)*testSize)
	f.meta(1, metaPage{root: 3, freeList: 2, pages: uint64(4 + pages), transaction: 1})
	f.free()
	m := make([]testElement, 0, pages)
	for i := range pages { // pages with a wrong number
		m = append(m, testElement{flags: flagBucket, key: fmt.Sprintf("%03d", i), value: bucket(uint64(4+i), "")})
	}
	b := body(kindLeaf, m...)
	more := (pageHeader + len(b) - 1) / testSize
	f = append(f, make([]byte, (1+more)*testSize)...)
	f.meta(1, metaPage{root: uint64(4 + pages), freeList: 2, pages: uint64(5 + pages + more), transaction: 1})
	f.put(uint64(4+pages), kindLeaf, pages, b)
	if got := strings.Count(f.errorOf(t), "its header has the page number 0"); got != 100 {
		t.Errorf("got %d faulty pages, want 100", got)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, f := range []testFile{f, sound()} {
		if err := CheckPages(ctx, f.write(t), testSize); err == nil || err.Error() != context.Canceled.Error() {
			t.Errorf("after the end of its context: %v", err)
		}
	}
	for _, check := range []func(path string) error{
		func(path string) error { return CheckPages(t.Context(), path, testSize) },
		func(path string) error { return CheckMetas(path, testSize) },
	} {
		if err := check(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("a file that does not exist: %v", err)
		}
	}
}

// CheckMetas checks both pages, all of their headers, and every byte of their content.
func TestCheckMetas(t *testing.T) {
	if err := CheckMetas(sound().write(t), testSize); err != nil {
		t.Error(err)
	}
	for number := range 2 {
		for at := range pageHeader + metaSize {
			f := sound()
			f.page(number)[at] ^= 1
			err := CheckMetas(f.write(t), testSize)
			if _, ok := errors.AsType[*store.CorruptError](err); !ok || strings.Count(err.Error(), fmt.Sprintf("page %d: ", number)) != 1 ||
				strings.Contains(err.Error(), fmt.Sprintf("page %d: ", 1-number)) {
				t.Errorf("byte %d of page %d: %v", at, number, err)
			}
		}
	}
	f := sound()
	f[0], f[testSize+pageHeader] = 1, 0
	err := CheckMetas(f.write(t), testSize)
	if err == nil || !strings.Contains(err.Error(), "page 0: it is not a meta page") || !strings.Contains(err.Error(), "page 1: wrong checksum") {
		t.Errorf("both: %v", err)
	}
	if err := CheckMetas(sound()[:testSize+testSize/2].write(t), testSize); err == nil || strings.Contains(err.Error(), "page 0") ||
		!strings.Contains(err.Error(), "page 1: EOF") && !strings.Contains(err.Error(), "page 1: unexpected EOF") {
		t.Errorf("half a page: %v", err)
	}
}

// The numbers of the format agree with bbolt.
func TestNumbersOfTheFormat(t *testing.T) {
	got := []int{pageHeader, elementSize, metaSize, kindBranch, kindLeaf, kindMeta, kindFreeList, flagBucket}
	if want := []int{16, 16, 64, 1, 2, 4, 16, 1}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	b := make([]byte, pageHeader+metaSize)
	f := make(testFile, testSize)
	f.meta(0, metaPage{root: 1 << 40, freeList: 2 << 40, pages: 3 << 40, transaction: 4 << 40})
	copy(b, f)
	if m, err := parseMeta(b); err != nil || m != (metaPage{1 << 40, 2 << 40, 3 << 40, 4 << 40}) {
		t.Errorf("got %v, %v", m, err)
	}
}

// readerAt records the offsets of its reads, and fails from failAt on.
type readerAt struct {
	reads  [][2]int64
	failAt int64
}

func (r *readerAt) ReadAt(b []byte, at int64) (int, error) {
	r.reads = append(r.reads, [2]int64{at, int64(len(b))})
	if at >= r.failAt {
		return 0, errors.New("failed")
	}
	return len(b), nil
}

// readAhead reads the data once in large pieces, and ends with it or at an error.
func TestReadAhead(t *testing.T) {
	const piece = 1 << 20
	for _, test := range []struct {
		size, failAt int64
		want         [][2]int64
	}{
		{0, piece, nil},
		{100, piece, [][2]int64{{0, 100}}},
		{piece, piece, [][2]int64{{0, piece}}},
		{piece + 1, 3 * piece, [][2]int64{{0, piece}, {piece, piece}}},
		{4 * piece, piece, [][2]int64{{0, piece}, {piece, piece}}},
	} {
		r := &readerAt{failAt: test.failAt}
		readAhead(r, test.size)
		if fmt.Sprint(r.reads) != fmt.Sprint(test.want) {
			t.Errorf("%d bytes: got %v, want %v", test.size, r.reads, test.want)
		}
	}
}

// The pages of a walk have their own buffers, so a page stays valid while the pages below it are read.
func TestBuffersOfAWalk(t *testing.T) {
	f := sound()
	w := &walk{ctx: t.Context(), file: bytes.NewReader(f), size: testSize, used: make([]bool, testPages)}
	upper, _, err := w.elements(subtree{page: 4}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.elements(subtree{page: 5}, 1); err != nil {
		t.Fatal(err)
	}
	if len(upper) != 2 || string(upper[0].key) != "a" || string(upper[1].key) != "m" || upper[1].below != 6 {
		t.Errorf("got %v", upper)
	}
	if again, _, err := w.elements(subtree{page: 9}, 1); err != nil || len(w.depths) != 2 || cap(again) != cap(w.depths[1].elements) {
		t.Errorf("%d buffers, %v", len(w.depths), err)
	}
}

// opens returns how often this process has a file open. It skips the test on systems other than Linux.
func opens(t *testing.T, path string) (n int) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(links) == 0 {
		t.Skip("the open files are not known")
	}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == path {
			n++
		}
	}
	return n
}

// CheckMetas and CheckPages close the file, sound or not.
func TestFilesAreClosed(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // the garbage collection would close it
	for name, f := range map[string]testFile{"sound": sound(), "short": sound()[:testSize], "zero": make(testFile, testPages*testSize)} {
		path := f.write(t)
		errMetas, errPages := CheckMetas(path, testSize), CheckPages(t.Context(), path, testSize)
		if (errMetas == nil) != (name == "sound") || (errPages == nil) != (name == "sound") {
			t.Errorf("%s: %v, %v", name, errMetas, errPages)
		}
		if n := opens(t, path); n != 0 {
			t.Errorf("%s: the file is open %d times", name, n)
		}
	}
}
