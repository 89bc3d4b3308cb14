package audit

import (
	"errors"
	"io"
	"testing"
)

var errDisk = errors.New("the disk does not answer")

// A brokenDisk cannot be read.
type brokenDisk struct{}

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, errDisk }

func TestLinesOfABrokenDisk(t *testing.T) {
	log := io.NewSectionReader(brokenDisk{}, 0, 100)
	if _, err := linesFrom(log, 10); !errors.Is(err, errDisk) {
		t.Errorf("from within: %v", err)
	}
	l, err := linesFrom(log, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.next(); !errors.Is(err, errDisk) {
		t.Errorf("from the beginning: %v", err)
	}
}
