package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/transparency"
)

// DeleteSegments is the name of the event of a deletion by age.
const DeleteSegments = "DeleteAuditSegments"

// A Deleted is the serviceEventDetails of the event DeleteSegments. All lines before Before were deleted, by this
// and by earlier deletions.
type Deleted struct {
	Log    string `json:"log"`    // origin
	Before int64  `json:"before"` // index of the oldest line that was kept
	Keep   string `json:"keep"`   // the age that lines reach
	// NotForwarded is the number of lines that this deletion took and that the second device may not have.
	NotForwarded int64 `json:"notForwarded,omitzero"`
}

// deletionIn returns how many lines the event in a line says were deleted, and whether it is such an event.
func deletionIn(line []byte) (before int64, ok bool) {
	if !bytes.Contains(line, []byte(`"eventName":"`+DeleteSegments+`"`)) {
		return 0, false
	}
	var e struct {
		Name    string  `json:"eventName"`
		Type    string  `json:"eventType"`
		Details Deleted `json:"serviceEventDetails"`
	}
	if json.Unmarshal(line, &e) != nil || e.Name != DeleteSegments || e.Type != ServiceEvent {
		return 0, false
	}
	return e.Details.Before, true
}

// retainPause returns how long a log waits until it looks again for segments that have reached their age. While a
// segment waits for the second device, the log looks more often, because a full disk ends the wait.
func retainPause(waits bool) time.Duration {
	if waits {
		return 15 * time.Second
	}
	return time.Hour
}

// retain deletes the segments whose lines have all reached the age, and reports whether a segment waits for the second
// device. It writes the event first. A kill at any moment leaves segments that the next call deletes.
func (l *Log) retain(ctx context.Context) (waits bool, err error) {
	if l.protection.Keep == 0 {
		return false, nil
	}
	all, err := readLayout(l.past.layout.folder)
	if err != nil {
		return false, err
	}
	first, wait := int64(math.MaxInt64), false
	if l.protection.Needed != nil {
		first, wait = l.protection.Needed()
	}
	d, waits, err := l.due(ctx, all, func(end int64) bool { return wait && first < end })
	if err != nil || d.End == all.deleted.End {
		return waits, errors.Join(err, all.removeDeleted())
	}
	return waits, l.remove(ctx, all, d, max(0, d.End-max(first, all.deleted.End)))
}

// remove makes a deletion. notForwarded is the number of its lines that the second device may not have.
func (l *Log) remove(ctx context.Context, all layout, d deletion, notForwarded int64) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	// On a full disk the file fails before the event is written, so failed attempts write no events.
	replace, err := prepareFile(filepath.Join(all.folder, deletedName), text)
	if err != nil {
		return err
	}
	p := l.protection
	e := p.Deletion(Deleted{p.Origin, d.End, p.Keep.String(), notForwarded})
	if err := errors.Join(l.Write(ctx, e), l.syncFile()); err != nil {
		return err
	}
	if err := replace(); err != nil {
		return err
	}
	all.deleted = d
	return errors.Join(durable.SyncFolder(all.folder), all.removeDeleted())
}

// due returns the deletion of the oldest segments that have reached the age, and whether the next one waits for the
// second device, which needed decides from the end of a segment.
func (l *Log) due(ctx context.Context, all layout, needed func(end int64) bool) (d deletion, waits bool, err error) {
	d = all.deleted
	for i, s := range all.closed {
		reached := func(t time.Time) bool { return t.Add(l.protection.Keep).Before(l.opts.Now()) }
		switch {
		case !reached(s.Closed):
			return d, false, nil
		case needed(s.End):
			return d, true, nil
		}
		last, err := all.examine(ctx, i, reached)
		if errors.Is(err, errYoung) {
			return d, false, nil
		}
		if err != nil {
			return d, false, fmt.Errorf("audit: %s is not deleted: %w", s.FileName(), err)
		}
		d = deletion{s.End, s.EndByte, encodeChain(last)}
	}
	return d, false, nil
}

var errYoung = errors.New("a line has not reached its age")

// examine reads a segment that is about to be deleted, and returns the value of the chain in its last line. The name of
// the segment proves nothing: each line must have reached the age, and its hash must be in the tree, which stays.
func (l layout) examine(ctx context.Context, i int, reached func(time.Time) bool) (last [chainSize]byte, err error) {
	var tile []byte
	l.readSegment(ctx, i, 0, func(at place, failed error) bool {
		if err = failed; err != nil {
			return false
		}
		if e, failed := parseEvent(at.line); failed == nil && !reached(e.EventTime) {
			err = errYoung
			return false
		}
		in := int(at.index & (1<<transparency.TileHeight - 1))
		if in == 0 || tile == nil {
			t := tlog.Tile{H: transparency.TileHeight, N: at.index >> transparency.TileHeight, W: in + 1}
			t.W = l.widest(t)
			if tile, err = readTile(l.folder, t); err != nil {
				return false
			}
		}
		hash := in * tlog.HashSize
		if len(tile) < hash+tlog.HashSize || tlog.Hash(tile[hash:]) != transparency.Leaf(at.line) {
			err = fmt.Errorf("line %d: %w", at.number, errNotInTree)
		}
		last, _ = chainOf(at.line)
		return err == nil
	})
	if err == nil {
		_, err = transparency.ResumeTree(l.closed[i].End, func(t tlog.Tile) ([]byte, error) { return readTile(l.folder, t) })
	}
	return last, err
}

// widest returns the width of a tile of leaves on the disk.
func (l layout) widest(t tlog.Tile) int {
	for width := 1 << transparency.TileHeight; width > t.W; width-- {
		wide := t
		wide.W = width
		if _, err := os.Stat(filepath.Join(l.folder, filepath.FromSlash(transparency.TilePath(wide)))); err == nil {
			return width
		}
	}
	return t.W
}

// removeDeleted removes the files of deleted segments.
func (l layout) removeDeleted() error {
	entries, err := os.ReadDir(l.folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if s, ok := parseSegment(e.Name()); ok && s.End <= l.deleted.End {
			err = errors.Join(err, os.Remove(filepath.Join(l.folder, e.Name())))
		}
	}
	return err
}
