package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A disk holds the changes that a traced program made to the files under a folder. It knows for each
// change whether it outlives a power failure.
type disk struct {
	under string
	ops   []diskOp
	sizes map[string]int64 // of the files as the program last saw them
	syncs []tracedCall     // fsync and fdatasync calls without an error
	calls []tracedCall     // all others
}

// A diskOp is one change of a file: creation, a new size, a write, another name, or removal.
type diskOp struct {
	path         string
	from         string // the former name
	kind         diskKind
	at           int64 // the offset of the write, or the new size
	data         []byte
	begun, ended int
	durable      int  // the place in the trace after which a power failure does not undo it
	lost         bool // a sync that should cover it failed, so no later sync covers it
}

type diskKind int

const (
	creates diskKind = iota
	resizes
	writes
	makesFolder
	renames
	removes
)

// ofFolder reports whether the change is durable when its folder is.
func (k diskKind) ofFolder() bool { return k == creates || k >= makesFolder }

func newDisk(under string) *disk { return &disk{under: under, sizes: map[string]int64{}} }

// load adds the files that were on disk before the trace.
func (d *disk) load() error {
	return filepath.WalkDir(d.under, func(path string, entry os.DirEntry, err error) error {
		if err != nil || path == d.under {
			return err
		}
		if entry.IsDir() {
			d.ops = append(d.ops, diskOp{path: path, kind: makesFolder, begun: -1, ended: -1, durable: -1})
			return nil
		}
		d.ops = append(d.ops, diskOp{path: path, kind: creates, begun: -1, ended: -1, durable: -1})
		content, err := os.ReadFile(path)
		d.ops = append(d.ops, diskOp{path: path, kind: writes, data: content, begun: -1, ended: -1, durable: -1})
		d.sizes[path] = int64(len(content))
		return err
	})
}

// add adds the calls of the next program. Its files must not have changed since it ended.
func (d *disk) add(calls []tracedCall) error {
	slices.SortStableFunc(calls, func(a, b tracedCall) int { return cmp.Compare(a.begun, b.begun) })
	for i, op := range d.ops {
		if op.ended == neverEnded && len(calls) > 0 { // the program was killed during the write, and the file has its bytes
			d.ops[i].ended = calls[0].begun - 1
		}
	}
	var syncs []tracedCall
	for _, c := range calls {
		if c.path != d.under && !strings.HasPrefix(c.path, d.under+"/") {
			d.calls = append(d.calls, c)
			continue
		}
		if c.name == "fsync" || c.name == "fdatasync" {
			syncs = append(syncs, c)
		} else if err := d.change(c); err != nil {
			return fmt.Errorf("%s %s: %w", c.name, c.path, err)
		}
	}
	for _, c := range syncs {
		d.sync(c)
	}
	return nil
}

// change adds a call other than a sync.
func (d *disk) change(c tracedCall) (err error) {
	op := diskOp{path: c.path, begun: c.begun, ended: c.ended, durable: neverEnded}
	failed := c.result < 0 && c.ended != neverEnded
	size, there := d.sizes[c.path]
	switch {
	case failed, c.name == "fallocate" && strings.Contains(c.args[1], "FALLOC_FL_KEEP_SIZE"):
		return nil // the content of the file is the same
	case c.name == "mkdirat":
		op.kind = makesFolder
	case c.name == "unlinkat":
		op.kind = removes
		delete(d.sizes, c.path)
		d.ops = append(d.ops, op)
		return nil
	case c.name == "renameat", c.name == "renameat2":
		op.kind, op.from, size = renames, c.from, d.sizes[c.from]
		delete(d.sizes, c.from)
	case c.name == "openat" && strings.Contains(c.args[2], "O_CREAT"):
		if there {
			return nil
		}
	case c.name == "openat" && !strings.Contains(c.args[2], "O_TRUNC"):
		return nil
	case c.name == "ftruncate":
		op.kind = resizes
		op.at, err = c.number(1)
		size = op.at
	case c.name == "write": // the program writes so only to append
		op.kind, op.at = writes, size
		op.data, err = c.data(1)
	case c.name == "pwrite64":
		op.kind = writes
		if op.data, err = c.data(1); err == nil {
			op.at, err = c.number(3)
		}
	default:
		return fmt.Errorf("unknown call: %v", c.args)
	}
	if op.kind == writes && c.ended != neverEnded && c.result < int64(len(op.data)) {
		op.data = op.data[:c.result]
	}
	if err != nil || c.ended == neverEnded && !op.isDone() {
		return err
	}
	d.sizes[c.path] = max(size, op.at+int64(len(op.data)))
	d.ops = append(d.ops, op)
	return nil
}

// isDone reports whether the file has a change that a kill interrupted. It cuts the data of a write
// to the bytes that the file has.
func (op *diskOp) isDone() bool {
	info, err := os.Stat(op.path)
	if op.kind == removes {
		return err != nil
	}
	if op.kind == renames {
		_, left := os.Stat(op.from)
		return err == nil && left != nil
	}
	if err != nil || op.kind != writes {
		return err == nil && (op.kind.ofFolder() || info.Size() == op.at)
	}
	content, err := os.ReadFile(op.path)
	is, done := content[min(op.at, int64(len(content))):], 0
	for done < min(len(is), len(op.data)) && is[done] == op.data[done] {
		done++
	}
	op.data = op.data[:done]
	return err == nil && done > 0
}

// sync marks the changes that a sync made durable: all changes of the file, or of names in the
// folder, that ended before the sync began. After a failed sync, these changes count as clean, and
// no later sync makes them durable.
func (d *disk) sync(s tracedCall) {
	if s.result == 0 {
		d.syncs = append(d.syncs, s)
	}
	for i, op := range d.ops {
		of := op.path
		if op.kind.ofFolder() {
			of = filepath.Dir(op.path)
		}
		switch {
		case of != s.path || op.ended >= s.begun || op.lost || op.durable != neverEnded:
		case s.result == 0:
			d.ops[i].durable = s.ended
		case s.ended != neverEnded:
			d.ops[i].lost = true
		}
	}
}

// end returns the place after all calls.
func (d *disk) end() (place int) {
	for _, op := range d.ops {
		place = max(place, op.begun+1)
	}
	for _, c := range slices.Concat(d.syncs, d.calls) {
		place = max(place, c.begun+1)
	}
	return place
}

// An image is what a power failure leaves: the content of files by path. Folders have nil content.
type image struct {
	files   map[string][]byte
	folders map[string]bool
	maybe   int // changes that were not durable
	lost    int // changes of these that are lost
	torn    int // changes of these that are lost in part
}

// A tear describes how changes that are not durable are lost. With a piece of 0 a change is lost as
// a whole, otherwise in pieces of this size; keep is the probability that one stays. With inOrder,
// everything after the first loss is lost.
type tear struct {
	piece   int64
	keep    float64
	inOrder bool
}

func randomTear(random *rand.Rand) tear {
	return tear{
		piece:   []int64{0, 512, 4096}[random.IntN(3)],
		keep:    []float64{0, 0.2, 0.5, 0.8, 1}[random.IntN(5)],
		inOrder: random.IntN(4) == 0,
	}
}

// imageAt returns the files after a power failure at the place.
func (d *disk) imageAt(place int, random *rand.Rand, how tear) image {
	i := image{files: map[string][]byte{d.under: nil}, folders: map[string]bool{d.under: true}}
	stopped := map[string]bool{}
	for _, op := range d.ops {
		_, there := i.files[cmp.Or(op.from, op.path)]
		_, inFolder := i.files[filepath.Dir(op.path)]
		switch {
		case op.begun >= place || !inFolder || !there && op.kind != creates && op.kind != makesFolder:
		case op.durable < place:
			i.apply(op)
		default:
			i.maybe++
			i.tear(op, random, how, stopped)
		}
	}
	return i
}

// tear applies a change that is not durable: whole, in part, or not at all.
func (i *image) tear(op diskOp, random *rand.Rand, how tear, stopped map[string]bool) {
	keep := func() bool { return !stopped[op.path] && random.Float64() < how.keep }
	if op.kind != writes || how.piece == 0 {
		if keep() {
			i.apply(op)
			return
		}
		i.lost++
		stopped[op.path] = how.inOrder
	}
	if op.kind != writes {
		return
	}
	kept, pieces := 0, 0
	for from := op.at; how.piece > 0 && from < op.at+int64(len(op.data)); pieces++ {
		to := min(op.at+int64(len(op.data)), (from/how.piece+1)*how.piece)
		if keep() {
			i.apply(diskOp{path: op.path, kind: writes, at: from, data: op.data[from-op.at : to-op.at]})
			kept++
		}
		from = to
	}
	if kept > 0 && kept < pieces {
		i.torn++
	} else if kept == 0 && pieces > 0 {
		i.lost++
	}
	stopped[op.path] = stopped[op.path] || how.inOrder && kept < pieces
	if random.IntN(2) == 0 && !stopped[op.path] { // the size may be durable before the content
		i.enlarge(op.path, op.at+int64(len(op.data)))
	}
}

func (i *image) enlarge(path string, size int64) {
	if more := size - int64(len(i.files[path])); more > 0 {
		i.files[path] = append(i.files[path], make([]byte, more)...)
	}
}

func (i *image) apply(op diskOp) {
	switch op.kind {
	case creates:
		i.files[op.path] = nil
	case makesFolder:
		i.files[op.path], i.folders[op.path] = nil, true
	case renames:
		i.files[op.path] = i.files[op.from]
		delete(i.files, op.from)
	case removes:
		delete(i.files, op.path)
	case resizes:
		i.enlarge(op.path, op.at)
		i.files[op.path] = i.files[op.path][:op.at]
	case writes:
		i.enlarge(op.path, op.at+int64(len(op.data)))
		copy(i.files[op.path][op.at:], op.data)
	}
}

// write writes an image of the files under one folder to another folder.
func (i image) write(under, to string) error {
	for _, path := range slices.Sorted(maps.Keys(i.files)) {
		name := filepath.Join(to, strings.TrimPrefix(path, under))
		content := i.files[path]
		var err error
		if i.folders[path] {
			err = os.MkdirAll(name, 0o700)
		} else {
			err = writeSparse(name, content, len(bytes.TrimRight(content, "\x00")))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkFiles compares the files of the program with an image from which nothing is lost. It finds
// changes that the trace does not have.
func (d *disk) checkFiles() error {
	whole := d.imageAt(neverEnded, rand.New(rand.NewPCG(0, 0)), tear{keep: 1})
	for path, content := range whole.files {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		if is, err := os.ReadFile(path); err != nil || !bytes.Equal(is, content) {
			return fmt.Errorf("%s differs from the trace (%d bytes, %d in the trace, %v): %s", path, len(is), len(content), err,
				d.differences(path, is, content))
		}
	}
	return nil
}

// differences describes the first byte of a file that differs from the trace, and the changes of the trace that wrote it.
func (d *disk) differences(path string, is, traced []byte) string {
	at := 0
	for at < min(len(is), len(traced)) && is[at] == traced[at] {
		at++
	}
	var text strings.Builder
	fmt.Fprintf(&text, "first at %d\nfile  %x\ntrace %x", at, is[at:min(at+64, len(is))], traced[at:min(at+64, len(traced))])
	for _, op := range d.ops {
		if op.path == path && op.kind == writes && op.at <= int64(at) && int64(at) < op.at+int64(len(op.data)) {
			from := int64(at) - op.at
			fmt.Fprintf(&text, "\n%d to %d: %d bytes at %d, %x", op.begun, op.ended, len(op.data), op.at,
				op.data[from:min(from+64, int64(len(op.data)))])
		}
	}
	return text.String()
}
