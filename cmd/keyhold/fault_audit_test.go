package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/keyhold/keyhold/internal/host"
)

// A faultAudit counts what an audit log tells of changes, as the log grows.
type faultAudit struct {
	path   string
	read   int64          // bytes, all of whole lines
	times  map[string]int // a change was told of, by its request ID
	lines  int
	broken int // lines that are no events
}

func newFaultAudit(data string) *faultAudit {
	return &faultAudit{path: filepath.Join(data, host.AuditName), times: map[string]int{}}
}

// readOn reads what came to the log since the last time.
func (l *faultAudit) readOn() error {
	f, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(l.read, io.SeekStart); err != nil {
		return err
	}
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return nil // what has no newline yet is read the next time
		}
		if err != nil {
			return err
		}
		l.read += int64(len(line))
		l.lines++
		var event struct {
			RequestID string `json:"requestID"`
			ErrorCode string `json:"errorCode"`
			ReadOnly  bool   `json:"readOnly"`
		}
		if json.Unmarshal(line, &event) != nil {
			l.broken++
		} else if !event.ReadOnly && event.ErrorCode == "" && event.RequestID != "" {
			l.times[event.RequestID]++
		}
	}
}

// once tells which of the changes are not in the log exactly once.
func (l *faultAudit) once(changes []string) error {
	for _, id := range changes {
		if n := l.times[id]; n != 1 {
			return fmt.Errorf("the acknowledged request %s is in the audit log %d times", id, n)
		}
	}
	return nil
}
