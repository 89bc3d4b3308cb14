package integrity

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/transparency"
)

// VerifyLog verifies the audit log of a node, whose newest lines are in the file at path, with the keys in the store.
// "" is the only node of the store.
func VerifyLog(
	ctx context.Context, view *store.View, node, path string, report func(audit.Finding),
) (audit.Verification, error) {
	if node == "" {
		n, _, err := records.SoleNodes.Get(view, records.SoleNodePath)
		if err != nil {
			return audit.Verification{}, err
		}
		node = n.ID
	}
	c := audit.VerifyConfig{Path: path, Report: report}
	n, log, err := 0, records.AuditLog{}, error(nil)
	if node != "" {
		n, log, err = records.LastAuditLog(view, node)
	}
	if err == nil && n > 0 {
		c.Chain = log.Chain
		c.Verifier, err = note.NewVerifier(log.Public)
	}
	if err != nil {
		return audit.Verification{}, err
	}
	if !log.Begun {
		c.Unsigned = true
	}
	return audit.Verify(ctx, c)
}

// auditLog checks that the keys of an audit log fit one another and the path.
func (v *verifier) auditLog(path string, l records.AuditLog) error {
	d, there, whole := lookUp(v, records.DeploymentIDs, records.DeploymentIDPath)
	if !there {
		requireRecord(v, records.DeploymentIDs, records.DeploymentIDPath, records.AuditLogs.Prefix+"/"+path)
	}
	node, number, _ := strings.Cut(path, "/")
	n := 0
	fmt.Sscanf(number, "%d", &n)
	keys := audit.Keys{Origin: l.Origin, Seed: l.Seed, Chain: l.Chain}
	switch {
	case path != records.AuditLogPath(node, n) || n < 1,
		whole && l.Origin != transparency.Origin(d.ID, records.LogName(node, n)),
		len(l.Seed) != 32 || len(l.Chain) != 32 || l.Public != keys.VerifierKey():
		return errMoved
	}
	return nil
}

func (v *verifier) deploymentID(path string, d records.DeploymentID) error {
	if path != records.DeploymentIDPath || !records.ValidNodeID(d.ID) {
		return errMoved
	}
	return nil
}
