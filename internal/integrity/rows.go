package integrity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A check decodes an opened record, and checks whether the record fits its path and whether other
// records agree with it. The error describes the fault of the record.
type check func(v *verifier, path string, plain []byte) error

// checks returns the check of each kind of record, by the prefix of its table.
func checks() map[string]check {
	rows := map[string]check{}
	addCheck(rows, records.Keys, (*verifier).key)
	addCheck(rows, records.KeyTexts, (*verifier).text)
	addCheck(rows, records.Dues, (*verifier).due)
	addCheck(rows, records.Aliases, (*verifier).alias)
	addCheck(rows, records.AliasesOfKey, (*verifier).aliasOfKey)
	addCheck(rows, records.AliasGuards, (*verifier).aliasGuard)
	addCheck(rows, records.Grants, (*verifier).grant)
	addCheck(rows, records.GrantsOfGrantee, (*verifier).grantOfGrantee)
	addCheck(rows, records.GrantsOfRetirer, (*verifier).grantOfRetirer)
	addCheck(rows, records.GrantShapes, (*verifier).shapesOfGrantee)
	addCheck(rows, records.GrantMatches, (*verifier).grantMatch)
	addCheck(rows, records.GrantRequests, (*verifier).grantRequest)
	addCheck(rows, records.GrantGuards, (*verifier).grantGuard)
	addCheck(rows, records.Families, (*verifier).family)
	addCheck(rows, records.TokenRings, (*verifier).tokenRing)
	addCheck(rows, records.Erasures, (*verifier).erasure)
	addCheck(rows, records.Usages, (*verifier).usageOf)
	addCheck(rows, records.ExpiryWarnings, (*verifier).expiryWarning)
	addCheck(rows, records.Notices, (*verifier).noticeOf)
	addCheck(rows, records.Outbox, (*verifier).event)
	addCheck(rows, records.Fences, (*verifier).fence)
	addCheck(rows, records.SoleNodes, (*verifier).soleNode)
	addCheck(rows, records.Nodes, (*verifier).nodeOf)
	addCheck(rows, records.Confirmations, (*verifier).confirmation)
	addCheck(rows, records.Levels, (*verifier).level)
	addCheck(rows, records.AuditLogs, (*verifier).auditLog)
	addCheck(rows, records.DeploymentIDs, (*verifier).deploymentID)
	addCheck(rows, records.Clocks, (*verifier).clockAhead)
	addCheck(rows, records.Copies, (*verifier).copyOf)
	addCheck(rows, records.Reseals, (*verifier).resealOf)
	addCheck(rows, records.Formats, (*verifier).formatOf)
	addCheck(rows, records.Deployments, (*verifier).deploymentOf)
	addCheck(rows, records.ServedRegions, (*verifier).regionsServed)
	addCheck(rows, records.AccessKeys, (*verifier).accessKey)
	addCheck(rows, records.AccessKeyUsages, (*verifier).accessKeyUsage)
	addCheck(rows, records.Accounts, (*verifier).account)
	addCheck(rows, records.Users, (*verifier).user)
	addCheck(rows, records.Roles, (*verifier).role)
	addCheck(rows, records.ManagedPolicies, (*verifier).managedPolicy)
	addCheck(rows, records.OIDCProviders, (*verifier).oidcProvider)
	return rows
}

func addCheck[T any](rows map[string]check, t store.Table[T], check func(v *verifier, path string, value T) error) {
	rows[t.Prefix] = func(v *verifier, path string, plain []byte) error {
		value, err := t.Codec.Decode(plain)
		if err != nil {
			return err
		}
		return check(v, path, value)
	}
}

// lookUp returns another record. For a record that does not open, there is true and whole is
// false. lookUp reports nothing then, because the record has a finding of its own.
func lookUp[T any](v *verifier, t store.Table[T], path string) (value T, there, whole bool) {
	value, ok, err := t.Get(v.view, path)
	if _, corrupt := errors.AsType[*store.CorruptError](err); corrupt {
		return value, true, false
	}
	v.err = errors.Join(v.err, err)
	return value, ok, ok
}

// requireRecord reports a missing record that another record needs.
func requireRecord[T any](v *verifier, t store.Table[T], path, by string) {
	if _, there, _ := lookUp(v, t, path); !there {
		v.report(t.Prefix+"/"+path, fmt.Errorf("it is missing: %s needs it", by))
	}
}

var errMoved = errors.New("its content belongs to another path")

// event looks at an event that waits for the audit log. In formats up to 3 its path has no node.
func (v *verifier) event(path string, r records.PendingEvent) error {
	_, inPath, ofNode := strings.Cut(path, "/")
	switch {
	case !ofNode && v.format.Format >= 4:
		return errMoved
	case !ofNode:
		inPath = path
	case r.Void:
		return nil
	}
	id, err := audit.ID(r.Line)
	if err == nil && (id != inPath || r.After < 0) {
		err = errMoved
	}
	return err
}

// usageOf checks the last usage of a key, and that the key exists.
func (v *verifier) usageOf(path string, r records.Usage) error {
	if _, there, _ := lookUp(v, records.Keys, path); !there {
		return errors.New("there is no such key")
	}
	if !slices.Contains(api.Enum("KeyLastUsageTrackingOperation"), r.Operation) || r.EventID == "" || r.Time.IsZero() {
		return fmt.Errorf("%q is not a use of a key", r.Operation)
	}
	return nil
}

// expiryWarning checks the warnings about a key, and that the key exists.
func (v *verifier) expiryWarning(path string, r records.ExpiryWarning) error {
	if _, there, _ := lookUp(v, records.Keys, path); !there {
		return errors.New("there is no such key")
	}
	for id, w := range r.Materials {
		if id == "" || w.ValidTo.IsZero() || w.AheadSeconds <= 0 {
			return errors.New("this is not a warning about a material")
		}
	}
	return nil
}

// noticeOf checks the last warning about something that is not kept in the store.
func (v *verifier) noticeOf(path string, r records.Notice) error {
	subject, name, _ := strings.Cut(path, "/")
	switch subject {
	case records.NoticeCertificate, records.NoticeRootKey, records.NoticeDisk:
	default:
		return errMoved
	}
	if name == "" || r.Threshold <= 0 {
		return errMoved
	}
	return nil
}

func (v *verifier) clockAhead(path string, r records.Clock) error {
	if path != records.ClockPath || r.OffsetNanos < 0 || r.OffsetNanos > int64(records.MaxClockOffset) {
		return errMoved
	}
	return nil
}

// copyOf checks the record of an unfinished copy, which only the copy itself verifies.
func (v *verifier) copyOf(path string, _ records.Copy) error {
	if path != records.CopyPath {
		return errMoved
	}
	return nil
}

// resealOf checks the record of a rotation of data keys.
func (v *verifier) resealOf(path string, r records.Reseal) error {
	if path != records.ResealPath || r.To < 2 || r.Phase == "" || r.Begun.IsZero() {
		return errMoved
	}
	return nil
}

func (v *verifier) deploymentOf(path string, d records.Deployment) error {
	if path != records.DeploymentPath || !key.ValidAccount(d.Account) {
		return errMoved
	}
	return nil
}

// regionsServed checks the record of the Regions that the deployment serves.
func (v *verifier) regionsServed(path string, r records.Served) error {
	invalid := func(region string) bool { return !key.ValidRegion(region) }
	if path != records.ServedPath || len(r.Regions) == 0 || slices.ContainsFunc(r.Regions, invalid) {
		return errMoved
	}
	return nil
}

// deployment checks that an initialised deployment has access keys, and that a deployment with
// access keys has an account. The data of keyhold dev needs no initialisation.
func (v *verifier) deployment() {
	made, opened := v.Records[records.Deployments.Prefix] > 0, v.Records[records.AccessKeys.Prefix] > 0
	switch {
	case made && !opened:
		v.report(records.AccessKeys.Prefix, errors.New("there is no access key: nobody can use the deployment"))
	case opened && !made && v.Records[records.Accounts.Prefix] == 0:
		path := records.Deployments.Prefix + "/" + records.DeploymentPath
		v.report(path, errors.New("it is missing, but there are access keys"))
	}
}
