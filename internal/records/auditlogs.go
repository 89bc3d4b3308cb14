package records

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/store"
)

// What the store has of the audit logs of all nodes.
var (
	// AuditLogs has every audit log that ever existed, by AuditLogPath.
	AuditLogs = tableOf[AuditLog]("audit-log")
	// DeploymentIDs has one record, at DeploymentIDPath.
	DeploymentIDs = tableOf[DeploymentID]("deployment-id")
)

// DeploymentIDPath is the path of the only DeploymentID record.
const DeploymentIDPath = "this"

// A DeploymentID is the name of the deployment in the origins of its audit logs: 16 random letters and digits.
type DeploymentID struct {
	ID string `json:"id"`
}

// An AuditLog has the keys of an audit log. The record is kept after the node was removed, because a log that is
// missing must be missed.
type AuditLog struct {
	Origin string `json:"origin"`         // the name of the log in its checkpoints
	Public string `json:"public"`         // the key that verifies its checkpoints (C2SP signed-note)
	Seed   []byte `json:"seed"`           // of the Ed25519 key that signs its checkpoints, 32 bytes
	Chain  []byte `json:"chain"`          // key of the chain of its lines, 32 bytes
	Begun  bool   `json:"begun,omitzero"` // the log has had a checkpoint
}

// AuditLogPath returns the path of log number n of a node, from 1. A node begins another log when its log was lost or
// moved away.
func AuditLogPath(node string, n int) string { return fmt.Sprintf("%s/%06d", node, n) }

// LogName returns the name of log number n of a node: the ID of the node, and the number if it is not 1.
func LogName(node string, n int) string {
	if n == 1 {
		return node
	}
	return fmt.Sprintf("%s.%d", node, n)
}

// LogNameOf returns the name of the log whose record has a path.
func LogNameOf(path string) string {
	node, number, _ := strings.Cut(path, "/")
	n := 0
	fmt.Sscanf(number, "%d", &n)
	return LogName(node, n)
}

// mostLogs limits the logs of one node.
const mostLogs = 10_000

// LastAuditLog returns the number of the newest log of a node, or 0, and its record.
func LastAuditLog(from *store.View, node string) (n int, log AuditLog, err error) {
	for after := ""; ; {
		page, err := AuditLogs.Scan(from, node+"/", after, 100)
		if err != nil || len(page) == 0 {
			return n, log, err
		}
		last := page[len(page)-1]
		after, log = last.Path, last.Value
		if _, err := fmt.Sscanf(strings.TrimPrefix(last.Path, node+"/"), "%d", &n); err != nil {
			return 0, log, fmt.Errorf("%s/%s: %w", AuditLogs.Prefix, last.Path, err)
		}
	}
}

// BeginAuditLog adds a log of a node with new keys, which complete makes of the name of the deployment and of the log.
func BeginAuditLog(tx *store.Tx, node string, n int, complete func(deployment, log string) AuditLog) (AuditLog, error) {
	if n > mostLogs {
		return AuditLog{}, errors.New("the node has begun too many audit logs")
	}
	id, ok, err := DeploymentIDs.Get(tx, DeploymentIDPath)
	if err == nil && !ok {
		id.ID = NewNodeID()
		err = DeploymentIDs.Put(tx, DeploymentIDPath, id)
	}
	if err != nil {
		return AuditLog{}, err
	}
	log := complete(id.ID, LogName(node, n))
	return log, AuditLogs.Insert(tx, AuditLogPath(node, n), log)
}

// NewLogKey returns 32 random bytes.
func NewLogKey() []byte {
	key := make([]byte, 32)
	rand.Read(key)
	return key
}
