package witness

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// maxLogs is the number of lines that a list of logs may have.
const maxLogs = 1000

// Logs are the logs that a witness serves: the keys of each origin. A log that changes its key has two for a time.
type Logs map[string][]note.Verifier

// ReadLogs reads a list of logs. A line has a verifier key and, if it differs from the name of the key, the origin of
// the log. Empty lines, and lines that begin with #, are ignored.
func ReadLogs(r io.Reader) (Logs, error) {
	logs, count := Logs{}, 0
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		if count++; count > maxLogs {
			return nil, fmt.Errorf("line %d: the list has more than %d keys", number, maxLogs)
		}
		if err := logs.add(text); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return logs, lines.Err()
}

func (l Logs) add(text string) error {
	key, origin, _ := strings.Cut(text, " ")
	v, err := note.NewVerifier(key)
	if err != nil {
		return fmt.Errorf("%q is not the verifier key of a log, NAME+ID+KEY", key)
	}
	if origin = strings.TrimSpace(origin); origin == "" {
		origin = v.Name()
	}
	for _, other := range l[origin] {
		if other.Name() == v.Name() && other.KeyHash() == v.KeyHash() {
			return fmt.Errorf("the key %s of %s is there twice", key, origin)
		}
	}
	l[origin] = append(l[origin], v)
	return nil
}
