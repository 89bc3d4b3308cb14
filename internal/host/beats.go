package host

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/keyhold/keyhold/internal/durable"
)

// beats is the file with the number of the last heartbeat of a node. The number always has the same length, and is
// written in place: this needs no space on the disk, and no sync, because an older number is true as well.
type beats struct {
	file *os.File
	last int64 // when the file was opened
}

func openBeats(path string) (*beats, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		text = beatLine(0)
		err = durable.ReplaceFile(path, text)
	}
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	last, err := strconv.ParseInt(strings.TrimSuffix(string(text), "\n"), 10, 64)
	if err != nil || last < 0 || len(text) != len(beatLine(last)) {
		return nil, fmt.Errorf("%s does not have the number of a heartbeat: restore the file, or remove it; without it, "+
			"the node cannot notice that the store was restored from an older copy and has changed since", path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	return &beats{file, last}, nil
}

func beatLine(beat int64) []byte { return fmt.Appendf(nil, "%019d\n", beat) }

// Beat implements [nodes.Memory].
func (b *beats) Beat() int64 { return b.last }

// Keep implements [nodes.Memory].
func (b *beats) Keep(beat int64) error {
	_, err := b.file.WriteAt(beatLine(beat), 0)
	return err
}

// Close closes the file.
func (b *beats) Close() error { return b.file.Close() }
