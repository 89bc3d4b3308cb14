package integrity

import (
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/transparency"
)

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
