package transfer

import (
	"context"
	"encoding/json"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// finish completes the copy in one transaction: it writes the keyring, the event of the copy, the node that has the
// events of the copy, and the keys of its audit log. It returns the public key of this log, or "" if there is none.
func (c *copier) finish(ctx context.Context) (auditKey string, err error) {
	event, err := c.copyEvent()
	if err != nil {
		return "", err
	}
	node, err := c.node()
	if err != nil {
		return "", err
	}
	log, auditKey, err := c.newLog(ctx)
	if err != nil {
		return "", err
	}
	keyring := store.Write{Key: []byte(records.KeyringPath), Value: c.wrapped}
	_, err = c.commit(ctx, store.Batch{
		Checks: []store.Check{{Key: records.CopyKey(), Rev: c.marker}, {Key: keyring.Key}},
		Writes: append(log, store.Write{Key: records.CopyKey()}, event, node, keyring),
	}, keyring)
	return auditKey, err
}

// newLog returns the records of the audit log that the only node of a store begins at its first start, and the public
// key of the log. Nodes that share a store make their keys when they join.
func (c *copier) newLog(ctx context.Context) (writes []store.Write, public string, err error) {
	if c.To.Shared {
		return nil, "", nil
	}
	var d records.DeploymentID
	var there bool
	err = store.New(c.To.Backend, c.sealer).View(ctx, func(v *store.View) (err error) {
		d, there, err = records.DeploymentIDs.Get(v, records.DeploymentIDPath)
		return err
	})
	if err == nil && !there {
		d.ID = records.NewNodeID()
		writes = make([]store.Write, 1)
		writes[0], err = sealed(c, records.DeploymentIDs, records.DeploymentIDPath, d)
	}
	if err != nil {
		return nil, "", err
	}
	log := journal.NewAuditLog(d.ID, records.LogName(c.progress.Node, 1))
	w, err := sealed(c, records.AuditLogs, records.AuditLogPath(c.progress.Node, 1), log)
	return append(writes, w), log.Public, err
}

// node returns the record of the node that has the events of the copy: the only node of a store of one process, or else
// a node that has stopped and that the nodes of the deployment are to take over and forget.
func (c *copier) node() (store.Write, error) {
	if !c.To.Shared {
		return sealed(c, records.SoleNodes, records.SoleNodePath, records.SoleNode{ID: c.progress.Node})
	}
	return sealed(c, records.Nodes, c.progress.Node, records.Node{
		Incarnation: records.NewNodeID(), Level: 1, Time: c.Now().UTC(), Beat: 1, Stopped: true, Removal: &records.Removal{},
	})
}

// details are in the event of the copy. They name the audit log that the deployment leaves behind.
type details struct {
	SourceRevision int64          `json:"sourceRevision"`
	Records        map[string]int `json:"records"`
	SourceLog      *sourceLog     `json:"sourceLog,omitempty"`
	SourceLogs     []sourceLog    `json:"sourceLogs,omitempty"`
}

// A sourceLog is a log that stays behind. Without a SHA256, Bytes is the length that the node has told the others.
type sourceLog struct {
	Node   string `json:"nodeId,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"`
}

// copyEvent returns the event of the copy, in the outbox.
func (c *copier) copyEvent() (store.Write, error) {
	d := details{SourceRevision: c.revision, Records: c.progress.Counts}
	if c.Log != nil {
		d.SourceLog = &sourceLog{Bytes: c.log.bytes, SHA256: c.log.sha256}
	}
	for _, n := range c.nodes {
		d.SourceLogs = append(d.SourceLogs, sourceLog{n.ID, n.Bytes, n.SHA256})
	}
	name, all := "CopyStore", any(d)
	if c.Details != nil {
		name, all = c.Event, c.Details(c.progress.Counts)
	}
	text, err := json.Marshal(all)
	if err != nil {
		return store.Write{}, err
	}
	e := audit.Event{
		EventID: journal.NewEventID(), EventTime: c.Now(), EventName: name, EventType: audit.ServiceEvent,
		UserIdentity:    audit.Identity{AccountID: c.account, InvokedBy: "keyhold"},
		SourceIPAddress: "keyhold", UserAgent: "keyhold", RecipientAccountID: c.account, ServiceEventDetails: text,
	}
	line, err := e.Line()
	if err != nil {
		return store.Write{}, err
	}
	return sealed(c, records.Outbox, records.OutboxPath(c.progress.Node, e.EventID), records.PendingEvent{Line: line})
}
