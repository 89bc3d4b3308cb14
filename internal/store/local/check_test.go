package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/boltpages"
)

// contents returns all records of a file, as read by bbolt.
func contents(t *testing.T, dir string) (items []store.Item, err error) {
	t.Helper()
	db, err := OpenReadOnly(dir)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	err = db.View(t.Context(), func(r store.Reader) (err error) {
		items, err = r.Scan(nil, nil, 1<<20)
		return err
	})
	return items, err
}

// grown returns the folder of a closed store after random insertions and deletions of records of all sizes.
func grown(t *testing.T, random *rand.Rand, commits int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db := open(t, dir)
	for range commits {
		var b store.Batch
		for _, i := range random.Perm(2000)[:1+random.IntN(20)] {
			w := store.Write{Key: fmt.Appendf(nil, "key/111122223333/us-east-1/%04d", i)}
			if random.IntN(3) > 0 {
				size := random.IntN(900)
				if random.IntN(50) == 0 {
					size = random.IntN(5 * os.Getpagesize())
				}
				w.Value = make([]byte, size)
				for i := range w.Value {
					w.Value[i] = byte(random.Int())
				}
			}
			b.Writes = append(b.Writes, w)
		}
		if _, err := db.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func checkFolder(t *testing.T, dir string) error {
	t.Helper()
	db, err := OpenReadOnly(dir)
	if err != nil {
		return err
	}
	return errors.Join(db.Check(t.Context()), db.Close())
}

// A page is valid if records fill it completely, up to one byte, or by one byte too much.
func TestCheckOfFullPages(t *testing.T) {
	const records, key = 4, "key/a/b/0" // so few records share one page, whatever their size
	for _, pages := range []int{1, 2, 3} {
		for _, more := range []int{-1, 0, 1} {
			dir := t.TempDir()
			db := open(t, dir)
			left := pages*os.Getpagesize() - pageHeader + more
			var b store.Batch
			for i := range records {
				left -= elementSize + len(key) + 8 // the 8 bytes are the revision
				w := store.Write{Key: fmt.Appendf(nil, "%s%d", key[:len(key)-1], i), Value: make([]byte, 100)}
				if i == records-1 {
					w.Value = make([]byte, left)
				}
				left -= len(w.Value)
				b.Writes = append(b.Writes, w)
			}
			if _, err := db.Commit(t.Context(), b); err != nil || left != 0 {
				t.Fatal(err, left)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if err := checkFolder(t, dir); err != nil {
				t.Errorf("%d pages and %d bytes: %v", pages, more, err)
			}
		}
	}
}

// Check accepts everything that bbolt writes.
func TestCheckOfSoundFiles(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, commits := range []int{0, 1, 2, 5, 20, 300} {
		if err := checkFolder(t, grown(t, random, commits)); err != nil {
			t.Errorf("after %d commits: %v", commits, err)
		}
	}
}

// After one bit is flipped, either Check reports it, or all records still exist and at most one of them
// differs, which its seal detects.
func TestCheckFindsFlips(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	dir := grown(t, random, 120)
	path := filepath.Join(dir, FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole = whole[:len(bytes.TrimRight(whole, "\x00"))+os.Getpagesize()]
	before, err := contents(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	const flips = 500
	for i := range flips {
		bit := random.IntN(8 * len(whole))
		if i%3 > 0 { // in the header of a page
			bit = random.IntN(len(whole)/os.Getpagesize())*8*os.Getpagesize() + random.IntN(8*128)
		}
		flipped := bytes.Clone(whole)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkFolder(t, dir); err != nil {
			found++
			if !isCorrupt(err) && !errors.Is(err, ErrFormat) {
				t.Errorf("byte %d, bit %d: %v", bit/8, bit%8, err)
			}
			continue
		}
		after, err := contents(t, dir)
		changed := changes(before, after)
		if err == nil && changed > 1 {
			t.Errorf("byte %d of page %d, bit %d: Check finds nothing, but %d of %d records differ, %d exist",
				bit/8%os.Getpagesize(), bit/8/os.Getpagesize(), bit%8, changed, len(before), len(after))
		}
		if err == nil && changed == 0 {
			writeAfterFlip(t, dir, random, after)
		}
	}
	if found < flips/10 { // most pages are free
		t.Errorf("%d of %d flips were found", found, flips)
	}
}

// writeAfterFlip writes to a file that Check accepts. If the file is valid afterwards, Check has found enough.
func writeAfterFlip(t *testing.T, dir string, random *rand.Rand, items []store.Item) {
	t.Helper()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b store.Batch
	var left []store.Item
	for i, item := range items {
		if random.IntN(len(items)) < 30 && len(b.Writes) < store.MaxBatch {
			b.Writes = append(b.Writes, store.Write{Key: item.Key})
		} else {
			left = append(left, items[i])
		}
	}
	_, err = db.Commit(t.Context(), b)
	if err := errors.Join(err, db.Close(), checkFolder(t, dir)); err != nil {
		t.Errorf("Check found nothing, but after a commit: %v", err)
	}
	if after, err := contents(t, dir); err != nil || changes(left, after) > 0 {
		t.Errorf("Check found nothing, but after a commit %d of %d records exist (%v)", len(after), len(left), err)
	}
}

func changes(before, after []store.Item) (n int) {
	if len(before) != len(after) {
		return max(len(before), len(after))
	}
	for i, item := range before {
		if a := after[i]; !bytes.Equal(a.Key, item.Key) || !bytes.Equal(a.Value, item.Value) || a.Rev != item.Rev {
			n++
		}
	}
	return n
}

// Check ends without a panic, whatever the file contains.
func TestCheckBelievesNothing(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	dir := grown(t, random, 60)
	path := filepath.Join(dir, FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pages := len(bytes.TrimRight(whole, "\x00"))/os.Getpagesize() + 1
	whole = whole[:pages*os.Getpagesize()]
	for range 300 {
		damaged := bytes.Clone(whole)
		for range 1 + random.IntN(30) {
			head := (2 + random.IntN(pages-2)) * os.Getpagesize()
			switch at := head + random.IntN(64); random.IntN(3) {
			case 0:
				damaged[at] = byte(random.Int())
			case 1:
				order.PutUint64(damaged[at:], random.Uint64())
			case 2: // a page in the place of another page
				copy(damaged[head:head+os.Getpagesize()], whole[(2+random.IntN(pages-2))*os.Getpagesize():])
			}
		}
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := boltpages.CheckPages(t.Context(), path, os.Getpagesize()); err != nil && !isCorrupt(err) {
			t.Error(err)
		}
	}
}

// Sizes of the file's format, as boltpages describes it.
const pageHeader, elementSize = 16, 16

var order = binary.NativeEndian

// metaNumbers are the numbers of a meta page that the tests need.
type metaNumbers struct{ root, freeList, transaction uint64 }

func newestMeta(file []byte) (newest metaNumbers) {
	for _, b := range [][]byte{file, file[4096:]} {
		m := metaNumbers{root: order.Uint64(b[32:]), freeList: order.Uint64(b[48:]), transaction: order.Uint64(b[64:])}
		if m.transaction >= newest.transaction {
			newest = m
		}
	}
	return newest
}

// leafElement returns an element of a leaf page.
func leafElement(page []byte, number int) (key, value []byte) {
	at := pageHeader + number*elementSize
	e := page[at:]
	position, keySize, valueSize := order.Uint32(e[4:]), order.Uint32(e[8:]), order.Uint32(e[12:])
	text := e[position:]
	return text[:keySize], text[keySize : keySize+valueSize]
}

// Open fails on every fault that Check finds, except in the meta page that is not in use.
func TestOpenLooksAtThePages(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(file []byte, m metaNumbers)
		opens  bool
		want   string
	}{
		"a page that is free too": {func(f []byte, m metaNumbers) {
			list := f[m.freeList*4096:]
			order.PutUint64(list[pageHeader:], m.root)
		}, false, "in use twice"},
		"more pages than it has": {func(f []byte, m metaNumbers) { f[m.root*4096+15] = 0x40 }, false, "not all in the file"},
		"an older root": {func(f []byte, m metaNumbers) {
			_, value := leafElement(f[m.root*4096:], 1) // value of the records bucket
			order.PutUint64(value, order.Uint64(value)^1)
		}, false, "page"},
		"another key in the branch above a page": {func(f []byte, m metaNumbers) { // no effect on reading
			_, value := leafElement(f[m.root*4096:], 1)
			branch := f[order.Uint64(value)*4096:]
			position, size := order.Uint32(branch[pageHeader:]), order.Uint32(branch[pageHeader+4:])
			branch[pageHeader+position+size-1]-- // last byte of the first key
		}, false, "the first key is not the one in the branch above"},
		"the other meta page": {func(f []byte, m metaNumbers) { f[((m.transaction+1)%2)*4096+20] ^= 1 }, true, "wrong checksum"},
		"both meta pages":     {func(f []byte, m metaNumbers) { f[20] ^= 1; f[4096+20] ^= 1 }, false, FileName},
	} {
		dir := grown(t, rand.New(rand.NewPCG(1, 1)), 30)
		path := filepath.Join(dir, FileName)
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		test.damage(file, newestMeta(file))
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := checkFolder(t, dir); !isCorrupt(err) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Check returns %v", name, err)
		}
		db, err := Open(dir, Options{})
		if err == nil {
			db.Close()
		}
		if (err == nil) != test.opens || err != nil && !isCorrupt(err) {
			t.Errorf("%s: Open returns %v", name, err)
		}
	}
}

// Two records with one key are a fault.
func TestCheckFindsEqualKeys(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	b := store.Batch{Writes: []store.Write{{Key: []byte("twin/1"), Value: []byte("a")}, {Key: []byte("twin/2"), Value: []byte("b")}}}
	if _, err := db.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(file, []byte("twin/2"), []byte("twin/1")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := checkFolder(t, dir); !isCorrupt(err) || !strings.Contains(err.Error(), "the keys are out of order") {
		t.Errorf("Check returns %v", err)
	}
}

// A report has a bound, however many pages are faulty.
func TestReportHasABound(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	for batch := range 2 {
		var b store.Batch
		for i := range store.MaxBatch {
			b.Writes = append(b.Writes, store.Write{Key: fmt.Appendf(nil, "key/%d/%03d", batch, i), Value: make([]byte, 3*os.Getpagesize()/4)})
		}
		if _, err := db.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const leaf, bucket = 2, 1 // the flags of a page of records, and of an element that is a bucket
	spoiled := 0
	for at := 2 * os.Getpagesize(); at < len(whole); at += os.Getpagesize() {
		page := whole[at:]
		if binary.NativeEndian.Uint16(page[8:]) == leaf && binary.NativeEndian.Uint32(page[pageHeader:]) != bucket {
			page[0]++ // its number
			spoiled++
		}
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	err = boltpages.CheckPages(t.Context(), path, os.Getpagesize())
	if got := strings.Count(fmt.Sprint(err), "records from"); spoiled <= boltpages.MaxFailed+1 || got != boltpages.MaxFailed {
		t.Errorf("%d of %d faulty pages are reported, want %d", got, spoiled, boltpages.MaxFailed)
	}
}

func TestCheckCanBeEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	db := open(t, t.TempDir())
	if err := db.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func BenchmarkCheckPages(b *testing.B) {
	perSize(b, func(b *testing.B, db *DB, keys int) {
		b.ReportAllocs()
		for b.Loop() {
			if err := boltpages.CheckPages(b.Context(), db.path, os.Getpagesize()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
