package redo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/transparency"
)

// A Log is a copy of an audit log.
type Log struct {
	Node string // the name of the log: the ID of its node, with the number of the log if it is not the first one
	Path string // of the file with the newest lines
}

// A Cut is the moment that a backup shows.
type Cut struct {
	Revision int64
	Time     time.Time
	Shared   bool // several nodes shared the store
	// Offline means that no server ran when the backup was made.
	Offline bool
}

// A Finding is a fault of a copy of a log.
type Finding struct{ Log, Problem string }

// A Plan has the changes after a Cut that take something away, in their order.
type Plan struct {
	Events  []audit.Event
	Later   int64     // events after the Cut
	Last    time.Time // of the last event in the logs
	Missing []string  // logs that were not given, end before the Cut, or have lost lines of after the Cut
	Unknown []string  // logs that the backup does not know: they begin after the Cut, and nothing proves their lines
}

// Read reads logs. view shows the store at the Cut. Each line of a log is verified with the key of the chain that the
// store has. Read reports each fault; then the Plan is not complete.
func Read(ctx context.Context, view *store.View, cut Cut, logs []Log, report func(Finding)) (*Plan, error) {
	r := &reading{Cut: cut, view: view, plan: &Plan{}, report: report, seen: map[string]bool{}}
	if err := r.readOutbox(); err != nil {
		return nil, err
	}
	for _, log := range logs {
		if err := r.log(ctx, log); err != nil {
			return nil, fmt.Errorf("audit log %s: %w", log.Node, err)
		}
	}
	if err := r.findMissing(logs); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.plan.Events, func(a, b audit.Event) int {
		return cmp.Or(cmp.Compare(a.StoreRevision, b.StoreRevision), a.EventTime.Compare(b.EventTime))
	})
	return r.plan, nil
}

// reading is the state of one Read.
type reading struct {
	Cut
	view   *store.View
	plan   *Plan
	report func(Finding)
	seen   map[string]bool // events before the Cut that are in the outbox, and events that were read
	short  []string        // logs that were given and do not have all events since the Cut
}

// readOutbox notes the events of changes that were made before the Cut and may come later in a log.
func (r *reading) readOutbox() error {
	for after := ""; ; {
		page, err := records.Outbox.Scan(r.view, "", after, store.MaxBatch)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			after = p.Path
			if id, err := audit.ID(p.Value.Line); err == nil && !p.Value.Void {
				r.seen[id] = true
			}
		}
	}
}

// keysOf returns the keys of a log, or false if the backup does not know the log.
func (r *reading) keysOf(name string) (log records.AuditLog, known bool, err error) {
	for after := ""; ; {
		page, err := records.AuditLogs.Scan(r.view, "", after, store.MaxBatch)
		if err != nil || len(page) == 0 {
			return log, false, err
		}
		for _, p := range page {
			if after = p.Path; records.LogNameOf(p.Path) == name {
				return p.Value, true, nil
			}
		}
	}
}

func (r *reading) log(ctx context.Context, log Log) error {
	c, known, err := r.verification(log)
	if err != nil {
		return err
	}
	v, err := audit.Verify(ctx, c)
	if err != nil || v.Findings > 0 {
		return err
	}
	span := span{Cut: r.Cut, begins: v.First == 0}
	if known {
		if span.last, err = r.lastEvent(log.Node); err != nil {
			return err
		}
	} else {
		r.plan.Unknown = append(r.plan.Unknown, log.Node)
	}
	f, err := audit.OpenFolder(log.Path)
	if err != nil {
		return err
	}
	for hit, err := range f.Search(ctx, audit.Query{}, 0) {
		if err != nil {
			return err
		}
		span.add(hit)
		r.event(hit.Event)
	}
	if !span.isWhole() {
		r.short = append(r.short, log.Node)
	}
	return nil
}

// verification returns how a log is verified, and whether the backup knows the log.
func (r *reading) verification(log Log) (c audit.VerifyConfig, known bool, err error) {
	c = audit.VerifyConfig{Path: log.Path, Report: func(f audit.Finding) { r.report(Finding{log.Node, f.String()}) }}
	keys, known, err := r.keysOf(log.Node)
	if err != nil {
		return c, known, err
	}
	if known {
		c.Chain, c.Unsigned = keys.Chain, !keys.Begun
		c.Verifier, err = note.NewVerifier(keys.Public)
		return c, known, err
	}
	id, _, err := records.DeploymentIDs.Get(r.view, records.DeploymentIDPath)
	c.Origin = transparency.Origin(id.ID, log.Node)
	return c, known, err
}

// lastEvent returns the ID of an event that the log of a node had at the Cut, or "". Nodes that share a store tell the
// others the last event of their newest logs.
func (r *reading) lastEvent(log string) (id string, err error) {
	node, _, _ := strings.Cut(log, ".")
	n, _, err := records.LastAuditLog(r.view, node)
	if err != nil || records.LogName(node, n) != log {
		return "", err
	}
	told, _, err := records.Nodes.Get(r.view, node)
	return told.LastEvent, err
}

// event adds an event to the plan if its change was made after the Cut and takes something away. A change before the
// Cut has a lower stamp, or is in the outbox that the backup has.
func (r *reading) event(e audit.Event) {
	if e.EventTime.After(r.plan.Last) {
		r.plan.Last = e.EventTime
	}
	if e.StoreRevision <= r.Revision || r.seen[e.EventID] {
		return
	}
	r.seen[e.EventID] = true
	r.plan.Later++
	if e.ErrorCode == "" && Takes(e.EventName) {
		r.plan.Events = append(r.plan.Events, e)
	}
}

// findMissing notes the logs that could have events after the Cut and were not given.
func (r *reading) findMissing(logs []Log) error {
	needed, err := r.writers()
	if err != nil {
		return err
	}
	for _, name := range needed {
		given := slices.ContainsFunc(logs, func(l Log) bool { return l.Node == name })
		if !given || slices.Contains(r.short, name) {
			r.plan.Missing = append(r.plan.Missing, name)
		}
	}
	return nil
}

// writers returns the newest log of each node at the Cut.
func (r *reading) writers() (names []string, err error) {
	nodes, err := r.nodes()
	if err != nil {
		return nil, err
	}
	for _, node := range nodes {
		n, _, err := records.LastAuditLog(r.view, node)
		if err != nil {
			return nil, err
		}
		names = append(names, records.LogName(node, max(1, n)))
	}
	return names, nil
}

// nodes returns the nodes of the store that may have written a log.
func (r *reading) nodes() (nodes []string, err error) {
	if !r.Shared {
		sole, ok, err := records.SoleNodes.Get(r.view, records.SoleNodePath)
		if ok {
			nodes = append(nodes, sole.ID)
		}
		return nodes, err
	}
	all, err := records.Nodes.Scan(r.view, "", "", store.MaxBatch)
	for _, n := range all {
		// A copied or restored store has a node that never ran, for the event of the copy.
		if ranNever := n.Value.Stopped && n.Value.Removal != nil && n.Value.LogBytes == 0; !ranNever {
			nodes = append(nodes, n.Path)
		}
	}
	return nodes, err
}
