package audit

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/transparency"
)

// ErrAltered means that a log does not have the lines that its last checkpoint and its chain state.
var ErrAltered = errors.New("the audit log was altered")

// Keys are the keys of a log, which the store keeps sealed.
type Keys struct {
	Origin string // the name of the log (transparency.Origin)
	Seed   []byte // of the Ed25519 key that signs checkpoints
	Chain  []byte // key of the chain
}

// Verifier returns the verifier of the checkpoints.
func (k Keys) Verifier() (note.Verifier, error) { return note.NewVerifier(k.VerifierKey()) }

// VerifierKey returns the public key of the log as text (C2SP signed-note).
func (k Keys) VerifierKey() string {
	return transparency.VerifierKey(k.Origin, ed25519.NewKeyFromSeed(k.Seed).Public().(ed25519.PublicKey))
}

// A Protection says how a log is protected.
type Protection struct {
	Keys
	Log       *slog.Logger
	Published func(signed []byte) // called with each checkpoint after it is on the disk; may be nil

	Keep     time.Duration       // age at which lines are deleted; 0 means never
	Deletion func(Deleted) Event // the event of a deletion; must be set if Keep is
	// Needed returns the index of the first line that a second device may not have, and whether deletions wait for the
	// device. It is nil if there is no second device.
	Needed func() (first int64, wait bool)
}

// Kept reports whether the log is kept in a file.
func (l *Log) Kept() bool { return l.path != "" }

// HasCheckpoint reports whether the log has had a checkpoint.
func (l *Log) HasCheckpoint() bool {
	_, err := os.Stat(filepath.Join(FolderOf(l.path), checkpointName))
	return err == nil
}

// Protect makes l chain the lines that are written from now on, build the tree of all lines, sign checkpoints, and
// close segments. It must be called before the first line is written. The error is ErrAltered if the lines since the
// last checkpoint are not those that were written. Protect does nothing if l does not write to a file.
func (l *Log) Protect(ctx context.Context, p Protection) error {
	if l.path == "" {
		return nil
	}
	if err := l.past.layout.gap(); err != nil {
		return err
	}
	removeTemporaries(l.path, l.past.layout.folder)
	if err := makeFolder(l.past.layout.folder); err != nil && !space.Lacks(err) {
		return err
	}
	g := &ledger{folder: l.past.layout.folder, signer: transparency.NewSigner(p.Origin, p.Seed), signed: -1}
	c, err := g.load(ctx, &Folder{path: l.path}, p.Keys)
	if err != nil {
		return err
	}
	signed, err := g.checkpoint(l.syncFile)
	if err != nil && !space.Lacks(err) {
		return err
	}
	if signed != nil && p.Published != nil {
		p.Published(signed)
	}
	first, _ := l.past.layout.end()
	l.start(c, g, p, first)
	return nil
}

func (l *Log) start(c *chain, g *ledger, p Protection, first int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chain, l.ledger, l.protection = c, g, p
	l.segment = newSegment(first, l.modified)
	l.closedTo.Store(first)
	l.tilesDue, l.segmentDue, l.kept = make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{})
	l.segmentDue <- struct{}{} // a stop may have interrupted a compression
	go l.keeper()
}

// makeFolder makes a durable folder, unless it exists.
func makeFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil {
		err = durable.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// removeTemporaries removes the files that a kill left unfinished.
func removeTemporaries(path, folder string) {
	os.Remove(path + temporarySuffix)
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), temporarySuffix) {
			os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}

// load builds the tree, and returns the chain after the last line. It hashes the lines since the last checkpoint, or
// all lines if tiles are missing.
func (g *ledger) load(ctx context.Context, f *Folder, k Keys) (*chain, error) {
	v, err := k.Verifier()
	if err != nil {
		return nil, err
	}
	var last transparency.Checkpoint
	signed, err := f.Checkpoint()
	switch {
	case err == nil:
		if last, _, err = transparency.OpenCheckpoint(signed, v); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrAltered, filepath.Join(g.folder, checkpointName), err)
		}
		g.signed = last.Size
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("audit: %w", err)
	}
	g.tree, err = resume(g.folder, last)
	if err != nil {
		g.signed = -1 // so that the next checkpoint writes all tiles
		if g.tree, err = rebuilt(f, g.folder); err != nil {
			return nil, err
		}
	}
	return g.replay(ctx, f, k, last)
}

// resume returns the tree of a checkpoint from its tiles.
func resume(folder string, c transparency.Checkpoint) (transparency.Tree, error) {
	tree, err := transparency.ResumeTree(c.Size, func(t tlog.Tile) ([]byte, error) { return readTile(folder, t) })
	if err != nil || c.Size == 0 {
		return tree, err
	}
	root, err := tree.Root()
	if err == nil && root != c.Root {
		err = transparency.ErrDiffers
	}
	return tree, err
}

// rebuilt returns the tree of the deleted lines, from which the rest of the tree is built.
func rebuilt(f *Folder, folder string) (transparency.Tree, error) {
	return transparency.ResumeTree(f.First(), func(t tlog.Tile) ([]byte, error) { return readTile(folder, t) })
}

// replay adds the lines after the tree, compares them with the checkpoint, and verifies their chain.
func (g *ledger) replay(ctx context.Context, f *Folder, k Keys, last transparency.Checkpoint) (*chain, error) {
	c := newChain(k.Chain, g.tree.Size(), [chainSize]byte{})
	from := g.tree.Size()
	if first := f.First(); from > first {
		from-- // this line has the value from which the chain goes on
		c.index--
	} else if deleted, err := readLayout(g.folder); err != nil {
		return nil, err
	} else {
		c.value, _ = parseChain(deleted.deleted.Chain)
	}
	begin, next := g.tree.Size(), from
	for at, err := range f.lines(ctx, from) {
		if err != nil {
			return nil, err
		}
		next = at.index + 1
		leaf, right := c.check(at.line)
		switch {
		case at.index < begin:
			continue
		case !right:
			return nil, fmt.Errorf("%w: %s, line %d", ErrAltered, at.segment, at.number)
		}
		g.addLeaf(leaf)
		if err := g.compare(last); err != nil {
			return nil, err
		}
		if len(g.tiles) >= mostTiles {
			if err := g.writeTiles(); err != nil && !space.Lacks(err) {
				return nil, err
			}
		}
	}
	if next < max(begin, last.Size) {
		return nil, fmt.Errorf("%w: it has fewer lines than the %d of its last checkpoint", ErrAltered, last.Size)
	}
	return c, nil
}

// compare compares the tree with a checkpoint when it has the size of the checkpoint.
func (g *ledger) compare(c transparency.Checkpoint) error {
	if g.tree.Size() != c.Size {
		return nil
	}
	root, err := g.tree.Root()
	if err == nil && root != c.Root {
		err = fmt.Errorf("%w: the first %d lines differ from its last checkpoint", ErrAltered, c.Size)
	}
	return err
}

// signAgain is the time between two tries to sign a checkpoint while there is no space.
const signAgain = 3 * time.Second

// keeper works in the background: it signs checkpoints, writes tiles and compresses segments.
func (l *Log) keeper() {
	defer close(l.kept)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tick := time.NewTicker(l.opts.CheckpointEvery)
	defer tick.Stop()
	age := time.NewTimer(time.Minute)
	defer age.Stop()
	for {
		var err error
		select {
		case <-age.C:
			var waits bool
			waits, err = l.retain(ctx)
			age.Reset(retainPause(waits))
		case <-tick.C:
			err = l.Checkpoint()
			tick.Reset(l.checkpointPause(err))
		case <-l.tilesDue:
			err = l.ledger.writeTiles()
		case <-l.segmentDue:
			err = l.compressSegments(ctx)
		case <-l.closing:
			return
		}
		if err != nil && !space.Lacks(err) {
			l.protection.Log.Error("the audit log could not be tended; the server tries again", "error", err)
		}
	}
}

// checkpointPause returns the time until the next checkpoint, after one that ended with err. After a lack of space the
// server must notice space within seconds.
func (l *Log) checkpointPause(err error) time.Duration {
	if space.Lacks(err) {
		return min(l.opts.CheckpointEvery, signAgain)
	}
	return l.opts.CheckpointEvery
}

// Checkpoint signs the lines that were written so far.
func (l *Log) Checkpoint() error {
	if l.ledger == nil || l.failure() != nil {
		return nil
	}
	signed, err := l.ledger.checkpoint(l.syncFile)
	l.unsigned.Store(&err)
	if err == nil && signed != nil && l.protection.Published != nil {
		l.protection.Published(signed)
	}
	return err
}

// Unsigned returns why the last try to sign a checkpoint failed, or nil.
func (l *Log) Unsigned() error {
	if err := l.unsigned.Load(); err != nil {
		return *err
	}
	return nil
}

// failure returns why the log has failed, or nil.
func (l *Log) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// seal fills in the chain of the lines of a batch. The writer calls recordLeaves when they are written.
func (l *Log) seal(lines []byte) {
	if l.chain == nil {
		return
	}
	l.leaves = l.leaves[:0]
	l.chain.fill(lines, func(leaf tlog.Hash) { l.leaves = append(l.leaves, leaf) })
}

func (l *Log) recordLeaves() {
	if l.chain == nil || !l.ledger.add(l.leaves) {
		return
	}
	signal(l.tilesDue)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
