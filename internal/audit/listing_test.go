package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// While a server compresses and deletes segments, a reader finds every segment that was closed and not deleted. A
// system lists a large folder in parts, so one listing can miss both forms of a segment.
func TestListingWhileSegmentsChange(t *testing.T) {
	t.Parallel()
	const segments, kept = 1500, 400
	folder := t.TempDir()
	var closed atomic.Int64
	ended := make(chan error, 1)
	go func() { ended <- changeSegments(folder, segments, kept, &closed) }()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		least := closed.Load()
		l, err := readLayout(folder)
		if err = errors.Join(err, l.gap()); err != nil {
			t.Fatal(err, <-ended)
		}
		if end, _ := l.end(); end < least {
			t.Fatalf("the listing ends with line %d, and line %d was closed before: %v", end, least, <-ended)
		}
	}
}

// changeSegments closes and compresses segments of one line, and deletes those that are too many, in the way of a
// server.
func changeSegments(folder string, segments, kept int64, closed *atomic.Int64) error {
	name := func(n int64, compressed bool) string {
		s := Segment{First: n, End: n + 1, EndByte: n + 1, Closed: time.Unix(n, 0), Compressed: compressed}
		return filepath.Join(folder, s.FileName())
	}
	for n := range segments {
		err := os.WriteFile(name(n, false), nil, 0o600)
		closed.Store(n + 1)
		temporary := name(n, true) + temporarySuffix
		err = errors.Join(err, os.WriteFile(temporary, nil, 0o600), os.Rename(temporary, name(n, true)),
			os.Remove(name(n, false)))
		if end := n + 1 - kept; end > 0 && end%10 == 0 {
			text := []byte(`{"end":` + strconv.FormatInt(end, 10) + `,"endByte":` + strconv.FormatInt(end, 10) + `,"chain":""}`)
			replace, failed := prepareFile(filepath.Join(folder, deletedName), text)
			if err = errors.Join(err, failed); err == nil {
				err = errors.Join(replace(), layout{folder: folder, deleted: deletion{End: end}}.removeDeleted())
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
