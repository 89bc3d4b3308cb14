package audit

import (
	"errors"
	"io"
	"strings"
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

// Backwards passes whole lines, each once, from the last to the first, whatever the size of the chunks.
func TestBackwardsPassesWholeLines(t *testing.T) {
	var lines []string
	for i := range 30 {
		lines = append(lines, strings.Repeat(string(rune('a'+i%26)), i%13)+"\n")
	}
	content := strings.Join(lines, "") + "incomplete"
	for step := int64(1); step < 60; step++ {
		got, end := "", int64(len(content))
		err := backwards(t.Context(), strings.NewReader(content), end, 0, step, func(c chunk) (bool, error) {
			if c.at+int64(len(c.lines)) != end || c.at > 0 && content[c.at-1] != '\n' {
				t.Fatalf("with steps of %d: %q at %d, before %d", step, c.lines, c.at, end)
			}
			got, end = string(c.lines)+got, c.at
			return true, nil
		})
		if err != nil || got != content {
			t.Errorf("with steps of %d: %v, %q", step, err, got)
		}
	}
}
