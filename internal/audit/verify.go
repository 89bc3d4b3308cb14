package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/transparency"
)

// A Finding is an edit or a damage of a log, which neither a running nor a killed server leaves behind.
type Finding struct {
	Segment string // the name of a file, or "" for the log as a whole
	Line    int64  // of the file, from 1; 0 for the file as a whole
	Err     error
}

// String returns one line.
func (f Finding) String() string {
	switch {
	case f.Segment == "":
		return f.Err.Error()
	case f.Line == 0:
		return fmt.Sprintf("%s: %v", f.Segment, f.Err)
	}
	return fmt.Sprintf("%s, line %d: %v", f.Segment, f.Line, f.Err)
}

// Texts of Findings about lines.
var (
	errChain = errors.New("the value of the chain is wrong: this line was changed, or lines before it were deleted, " +
		"inserted or moved")
	errNotInTree = errors.New("the hash of the line is not the one in the tree: the line was changed, or lines " +
		"before it were deleted, inserted or moved")
	errTile       = errors.New("the tile does not have the hashes of the lines")
	errNoSign     = errors.New("the log has no checkpoint, so nothing shows whether its lines were changed")
	errStray      = errors.New("no part of the log has this name")
	errNoDeletion = errors.New("no event in the log says that its oldest lines were deleted")
)

// What is verified of a log.
type Verification struct {
	Checkpoint transparency.Checkpoint // the newest, or zero
	Events     int64
	First      int64 // index of the first line
	Size       int64 // number of lines, with those that were deleted
	Chained    int64 // number of lines whose chain was verified
	Revision   int64 // the newest storeRevision, or 0
	Torn       int64 // number of bytes at the end that the next start removes
	Findings   int
	Missing    int // number of tiles that are missing, which the next start makes again if it needs them
}

// A VerifyConfig says how a log is verified.
type VerifyConfig struct {
	Path     string        // of the file that grows
	Verifier note.Verifier // of the checkpoints; nil for a log that was never protected
	Chain    []byte        // key of the chain; nil if it is not known
	Unsigned bool          // the log may have no checkpoint yet
	Origin   string        // of a log whose keys are not known: its checkpoint must name it, and is not verified
	Report   func(Finding)
}

// mostFindings limits the findings of one kind that are reported, because one edit can damage all later lines.
const mostFindings = 10

// Verify reads a whole log while no server uses it, changes nothing, and reports all edits. The error describes why it
// could not go on.
func Verify(ctx context.Context, c VerifyConfig) (Verification, error) {
	f := &Folder{path: c.Path}
	p, err := f.parts()
	if err != nil {
		return Verification{}, err
	}
	defer p.close()
	v := &verifying{VerifyConfig: c, folder: FolderOf(c.Path), layout: p.layout}
	if p.file != nil {
		if info, err := p.file.Stat(); err == nil && !p.layout.hasFile(info) {
			v.Torn = info.Size() - p.current.Size()
		}
	} else {
		v.report(Finding{Err: fmt.Errorf("%s: %w", c.Path, fs.ErrNotExist)})
	}
	for _, stray := range p.layout.strays {
		v.report(Finding{Segment: stray, Err: errStray})
	}
	v.readCheckpoint(f)
	if err := p.layout.gap(); err != nil {
		v.report(Finding{Err: err})
		return v.Verification, nil
	}
	v.begin()
	if err := v.lines(ctx, f); err != nil {
		return v.Verification, err
	}
	v.end()
	return v.Verification, nil
}

// verifying is the state of one Verify.
type verifying struct {
	VerifyConfig
	Verification
	folder string
	layout layout
	chain  *chain
	tree   transparency.Tree
	leaves []byte // content of the tile of the next leaves, as far as it is there

	wrong, unequal, unreadable int   // findings of lines, by kind
	protected                  bool  // a line has a chain
	deleted                    int64 // end of the deletions that events state
}

func (v *verifying) report(f Finding) {
	v.Findings++
	if v.Report != nil {
		v.Report(f)
	}
}

// some reports a finding unless there were too many of its kind.
func (v *verifying) some(n *int, f Finding) {
	if *n++; *n <= mostFindings {
		v.report(f)
	}
}

func (v *verifying) readCheckpoint(f *Folder) {
	signed, err := f.Checkpoint()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err == nil && v.Verifier == nil && v.Origin != "":
		v.Checkpoint, err = transparency.ParseCheckpoint(string(signed))
		if err == nil && v.Checkpoint.Origin != v.Origin {
			err = fmt.Errorf("it is a checkpoint of the log %s, not of %s", v.Checkpoint.Origin, v.Origin)
		}
	case err == nil && v.Verifier == nil:
		v.report(Finding{Segment: checkpointName, Err: errors.New("no key of this log is known")})
		return
	case err == nil:
		v.Checkpoint, _, err = transparency.OpenCheckpoint(signed, v.Verifier)
	}
	if err != nil {
		v.report(Finding{Segment: checkpointName, Err: err})
	}
}

// begin prepares the tree and the chain of the lines that were not deleted.
func (v *verifying) begin() {
	v.First = v.layout.deleted.End
	v.chain = newChain(v.Chain, v.First, [chainSize]byte{})
	if v.First == 0 {
		return
	}
	var ok bool
	if v.chain.value, ok = parseChain(v.layout.deleted.Chain); !ok {
		v.report(Finding{Segment: deletedName, Err: errors.New("it does not have the chain of the last deleted line")})
	}
	var err error
	v.tree, err = transparency.ResumeTree(v.First, func(t tlog.Tile) ([]byte, error) { return readTile(v.folder, t) })
	if err != nil {
		v.report(Finding{Err: fmt.Errorf("the hashes of deleted lines are missing: %w", err)})
	}
}

func (v *verifying) lines(ctx context.Context, f *Folder) error {
	for at, err := range f.lines(ctx, v.First) {
		if err != nil && ctx.Err() == nil && at.segment != "" {
			v.report(Finding{at.segment, at.number, err})
			return nil
		}
		if err != nil {
			return err
		}
		v.line(at)
	}
	return nil
}

// line checks one line.
func (v *verifying) line(at place) {
	readable := v.event(at)
	_, chained := chainOf(at.line)
	leaf, right := v.chain.check(at.line)
	v.protected = v.protected || chained
	switch {
	case !chained && v.Checkpoint.Origin != "" && at.index >= v.Checkpoint.Size:
		right = false // a log with a checkpoint gets chained lines only
	case v.Chain == nil:
		right = chained || !v.protected
	case chained:
		v.Chained++
	}
	if !readable {
		v.leavesOf(at.index)
	} else if !right {
		v.some(&v.wrong, Finding{at.segment, at.number, errChain})
	} else if !v.inTile(at.index, leaf) {
		v.some(&v.unequal, Finding{at.segment, at.number, errNotInTree})
	}
	v.tree.Append(leaf, v.compareTile)
	v.Size = v.tree.Size()
	if v.Size == v.Checkpoint.Size {
		v.compareRoot()
	}
}

// event reads the event in a line, and reports whether it could.
func (v *verifying) event(at place) bool {
	if at.line == nil {
		v.some(&v.unreadable, Finding{at.segment, at.number, errTooLong})
		return false
	}
	_, revision, err := parseLine(at.line)
	if err != nil {
		v.some(&v.unreadable, Finding{at.segment, at.number, err})
		return false
	}
	v.Events++
	v.Revision = max(v.Revision, revision)
	if end, ok := deletionIn(at.line); ok {
		v.deleted = max(v.deleted, end)
	}
	return true
}

// inTile compares a leaf with its tile, if there is one. So a line that was edited is found without the key of the
// chain.
func (v *verifying) inTile(index int64, leaf tlog.Hash) bool {
	leaves := v.leavesOf(index)
	return len(leaves) < tlog.HashSize || tlog.Hash(leaves) == leaf
}

// leavesOf returns the hashes of a line and the lines after it in the same tile, as far as the tile has them.
func (v *verifying) leavesOf(index int64) []byte {
	in := index & (1<<transparency.TileHeight - 1)
	if in == 0 || index == v.First {
		v.leaves = v.readLeaves(index >> transparency.TileHeight)
	}
	return v.leaves[min(len(v.leaves), int(in)*tlog.HashSize):]
}

// readLeaves returns a tile of leaves: the full one, or the partial one of the checkpoint. If it is missing, nothing is
// compared with it.
func (v *verifying) readLeaves(n int64) []byte {
	t := tlog.Tile{H: transparency.TileHeight, L: 0, N: n, W: 1 << transparency.TileHeight}
	if v.Checkpoint.Size>>transparency.TileHeight == n {
		t.W = int(v.Checkpoint.Size & (1<<transparency.TileHeight - 1))
	}
	if t.W == 0 {
		return []byte{}
	}
	data, err := readTile(v.folder, t)
	if err != nil {
		if (n+1)<<transparency.TileHeight <= v.Checkpoint.Size {
			v.Missing++
		}
		return []byte{}
	}
	return data
}

// compareTile compares a tile with the disk. Its lines may have a finding already.
func (v *verifying) compareTile(t tlog.Tile, hashes []tlog.Hash) {
	path := filepath.Join(v.folder, filepath.FromSlash(transparency.TilePath(t)))
	data, err := os.ReadFile(path)
	if err == nil && string(data) != string(transparency.TileData(hashes)) && v.unequal+v.wrong == 0 {
		v.report(Finding{Segment: transparency.TilePath(t), Err: errTile})
	}
}

func (v *verifying) compareRoot() {
	root, err := v.tree.Root()
	if err == nil && root != v.Checkpoint.Root {
		err = fmt.Errorf("the first %d lines differ from the checkpoint", v.Size)
	}
	if err != nil {
		v.report(Finding{Err: err})
	}
	v.tree.Edge(v.compareTile)
}

// end checks the log as a whole.
func (v *verifying) end() {
	v.Size = v.tree.Size()
	v.reportAll("wrong values of the chain", v.wrong)
	v.reportAll("wrong hashes", v.unequal)
	v.reportAll("unreadable lines", v.unreadable)
	if v.Size < v.Checkpoint.Size {
		v.report(Finding{Err: fmt.Errorf("%w: %d, and %d", transparency.ErrShorter, v.Size, v.Checkpoint.Size)})
	}
	if v.Checkpoint.Origin == "" && (v.protected || (v.Verifier != nil || v.Origin != "") && !v.Unsigned) {
		v.report(Finding{Err: errNoSign})
	}
	if v.First > v.deleted {
		v.report(Finding{Segment: deletedName, Err: errNoDeletion})
	}
}

// reportAll reports how many findings of a kind there are, if not all were reported.
func (v *verifying) reportAll(kind string, n int) {
	if n > mostFindings {
		v.report(Finding{Err: fmt.Errorf("%s: %d in all", kind, n)})
	}
}
