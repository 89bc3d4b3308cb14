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

// A LogReport is the result of the verification of an audit log.
type LogReport struct {
	audit.Verification
	Origin, Public, Path string
	Anchored             int64 // number of lines of the checkpoint in an anchor with which the log was compared, or 0
}

// VerifyLogs verifies all audit logs that the store lists. files has the path of the newest lines of each log, by the
// name of the log (records.LogName). A log that has no file is a finding.
func VerifyLogs(
	ctx context.Context, view *store.View, files map[string]string, report func(origin string, f audit.Finding),
) (all []LogReport, err error) {
	for after := ""; ; {
		page, err := records.AuditLogs.Scan(view, "", after, 100)
		if err != nil || len(page) == 0 {
			return all, err
		}
		for _, r := range page {
			after = r.Path
			found, err := verifyListed(ctx, r.Path, r.Value, files, func(f audit.Finding) { report(r.Value.Origin, f) })
			if err != nil {
				return all, err
			}
			all = append(all, found)
		}
	}
}

func verifyListed(
	ctx context.Context, path string, l records.AuditLog, files map[string]string, report func(audit.Finding),
) (LogReport, error) {
	found := LogReport{Origin: l.Origin, Public: l.Public, Path: files[records.LogNameOf(path)]}
	if found.Path == "" {
		if l.Begun {
			found.Findings++
			report(audit.Finding{Err: fmt.Errorf("the log is missing: name its file with --log %s=FILE",
				records.LogNameOf(path))})
		}
		return found, nil
	}
	verifier, err := note.NewVerifier(l.Public)
	if err != nil {
		return found, err
	}
	found.Verification, err = audit.Verify(ctx, audit.VerifyConfig{
		Path: found.Path, Verifier: verifier, Chain: l.Chain, Unsigned: !l.Begun, Report: report,
	})
	return found, err
}

// LogOf returns the name of the newest log of a node. "" is the only node of the store.
func LogOf(view *store.View, node string) (string, error) {
	if node == "" {
		n, _, err := records.SoleNodes.Get(view, records.SoleNodePath)
		if err != nil {
			return "", err
		}
		node = n.ID
	}
	n, _, err := records.LastAuditLog(view, node)
	return records.LogName(node, max(1, n)), err
}
