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

// A faultAudit counts the changes in a growing audit log.
type faultAudit struct {
	path   string
	read   int64          // bytes that were read, all of whole lines
	times  map[string]int // the number of events of a change, by its request ID
	lines  int
	broken int // lines that are not events
}

func newFaultAudit(data string) *faultAudit {
	return &faultAudit{path: filepath.Join(data, host.AuditName), times: map[string]int{}}
}

// readNew reads the lines that were added since the last call.
func (l *faultAudit) readNew() error {
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
			return nil // the next call reads a line without a newline
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

// checkOnce returns an error if a change is not exactly once in the log.
func (l *faultAudit) checkOnce(changes []string) error {
	for _, id := range changes {
		if n := l.times[id]; n != 1 {
			return fmt.Errorf("the acknowledged request %s is in the audit log %d times", id, n)
		}
	}
	return nil
}
