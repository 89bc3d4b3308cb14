package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/host"
)

// A faultAudit counts the changes in a growing audit log, over all its segments.
type faultAudit struct {
	path   string
	times  map[string]int // the number of events of a change, by its request ID
	lines  int64          // that were read
	broken int            // lines that are not events
}

func newFaultAudit(data string) *faultAudit {
	return &faultAudit{path: filepath.Join(data, host.AuditName), times: map[string]int{}}
}

// readNew reads the lines that were added since the last call.
func (l *faultAudit) readNew() error {
	f, err := audit.OpenFolder(l.path)
	if err != nil {
		return err
	}
	for line, err := range f.Lines(context.Background(), l.lines) {
		if err != nil {
			return err
		}
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
	return nil
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

// An auditLeft counts what kills left in the folder of an audit log.
type auditLeft struct{ closed, linked, plain, unfinished int }

// add looks at the folder of a log whose server was killed.
func (n *auditLeft) add(log string) error {
	current, err := os.Stat(log)
	if err != nil {
		return err
	}
	if _, err := os.Stat(log + ".tmp"); err == nil {
		n.unfinished++
	}
	closed, plain := 0, 0
	err = filepath.WalkDir(audit.FolderOf(log), func(path string, _ os.DirEntry, err error) error {
		switch {
		case strings.HasSuffix(path, ".tmp"):
			n.unfinished++
		case strings.HasSuffix(path, ".jsonl.zst"):
			closed++
		case strings.HasSuffix(path, ".jsonl"):
			plain++
			if info, err := os.Stat(path); err == nil && os.SameFile(info, current) {
				n.linked++
			}
		}
		return err
	})
	n.closed, n.plain = closed, n.plain+plain
	return err
}

// String implements fmt.Stringer.
func (n *auditLeft) String() string {
	return fmt.Sprintf("%d segments at the end; the kills left %d segments that were not compressed, %d that the log still names, %d unfinished files",
		n.closed, n.plain, n.linked, n.unfinished)
}

// hasAll reports whether kills met the compression of segments, and the writing of tiles and checkpoints.
func (n *auditLeft) hasAll() bool { return n.closed > 0 && n.plain > 0 && n.unfinished > 0 }
