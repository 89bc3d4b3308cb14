package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/transfer"
)

// copiedLogs are the audit logs of the deployment that keyhold store copy copies.
type copiedLogs struct {
	own   *io.SectionReader            // of a folder
	nodes map[string]*io.SectionReader // of the nodes of a shared store, by their IDs, as far as copies are given
	files []io.Closer
}

// openLogs opens the audit log of the copied folder, or the copies of the logs of nodes.
func (o copyOptions) openLogs() (l copiedLogs, err error) {
	if !host.IsShared(o.from) {
		l.own, err = l.open(filepath.Join(o.from, host.AuditName))
		if err != nil {
			err = fmt.Errorf("%w: only the audit log shows whether the store is current; put it back, or, if you are "+
				"certain that the store is current, make an empty file of this name", err)
		}
		return l, err
	}
	l.nodes = map[string]*io.SectionReader{}
	for _, log := range o.logs {
		id, path, ok := strings.Cut(log, "=")
		if !ok || id == "" || path == "" || l.nodes[id] != nil {
			return l, usageError{fmt.Errorf("--log %q is not NODE=FILE, once for each node", log)}
		}
		if l.nodes[id], err = l.open(path); err != nil {
			return l, fmt.Errorf("--log: %w", err)
		}
	}
	return l, nil
}

// open opens a log for reading.
func (l *copiedLogs) open(path string) (*io.SectionReader, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	whole, err := audit.OpenWhole(path)
	if err != nil {
		return nil, err
	}
	l.files = append(l.files, whole)
	return whole.SectionReader, nil
}

func (l *copiedLogs) close() (err error) {
	for _, f := range l.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// printNodeLogs prints which logs of nodes the event of the copy proves, and what to do about the others.
func printNodeLogs(p *page, all []transfer.NodeLog) {
	missing := 0
	for _, n := range all {
		if n.SHA256 != "" {
			p.printf("audit log   of node %s: %d bytes, whole; the event CopyStore has its SHA-256\n", n.ID, n.Bytes)
			continue
		}
		missing++
		p.printf("audit log   of node %s at %s: not given; it has at least %d bytes\n", n.ID, n.Address, n.Bytes)
	}
	p.printf("            The logs are not copied, and are in the data folders of the nodes only: keep them.\n")
	if missing > 0 {
		p.printf("            If the event must prove all logs, copy again to an empty store, with --log NODE=FILE.\n")
	}
}
