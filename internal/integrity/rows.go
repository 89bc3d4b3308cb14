package integrity

import (
	"errors"
	"fmt"
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A verification decodes a record that opened and looks at it: whether it fits its
// path, and what it says of others. The error is what is wrong with the record.
type verification func(v *verifier, path string, plain []byte) error

// verifications returns one for each kind of record.
func verifications() map[string]verification {
	rows := map[string]verification{}
	verifies(rows, records.Keys, (*verifier).key)
	verifies(rows, records.Dues, (*verifier).due)
	verifies(rows, records.Aliases, (*verifier).alias)
	verifies(rows, records.AliasesOfKey, (*verifier).aliasOfKey)
	verifies(rows, records.AliasGuards, (*verifier).aliasGuard)
	verifies(rows, records.Grants, (*verifier).grant)
	verifies(rows, records.GrantsOfGrantee, (*verifier).grantOfGrantee)
	verifies(rows, records.GrantsOfRetirer, (*verifier).grantOfRetirer)
	verifies(rows, records.GrantShapes, (*verifier).shapesOfGrantee)
	verifies(rows, records.GrantMatches, (*verifier).grantMatch)
	verifies(rows, records.GrantRequests, (*verifier).grantRequest)
	verifies(rows, records.GrantGuards, (*verifier).grantGuard)
	verifies(rows, records.Families, (*verifier).family)
	verifies(rows, records.TokenRings, (*verifier).tokenRing)
	verifies(rows, records.Erasures, (*verifier).erasure)
	verifies(rows, records.Usages, (*verifier).usageOf)
	verifies(rows, records.Outbox, (*verifier).event)
	verifies(rows, records.Clocks, (*verifier).clockAhead)
	verifies(rows, records.Formats, (*verifier).formatOf)
	verifies(rows, records.Deployments, (*verifier).deploymentOf)
	verifies(rows, records.ServedRegions, (*verifier).regionsServed)
	verifies(rows, records.AccessKeys, (*verifier).accessKey)
	verifies(rows, records.AccessKeyUsages, (*verifier).accessKeyUsage)
	verifies(rows, records.Accounts, (*verifier).account)
	verifies(rows, records.Users, (*verifier).user)
	verifies(rows, records.Roles, (*verifier).role)
	verifies(rows, records.ManagedPolicies, (*verifier).managedPolicy)
	verifies(rows, records.OIDCProviders, (*verifier).oidcProvider)
	return rows
}

func verifies[T any](rows map[string]verification, t store.Table[T], check func(v *verifier, path string, value T) error) {
	rows[t.Prefix] = func(v *verifier, path string, plain []byte) error {
		value, err := t.Codec.Decode(plain)
		if err != nil {
			return err
		}
		return check(v, path, value)
	}
}

// look returns another record. One that does not open is there, but not whole: it
// is reported when its own turn comes, and nothing that it may say is.
func look[T any](v *verifier, t store.Table[T], path string) (value T, there, whole bool) {
	value, ok, err := t.Get(v.view, path)
	if _, corrupt := errors.AsType[*store.CorruptError](err); corrupt {
		return value, true, false
	}
	v.err = errors.Join(v.err, err)
	return value, ok, ok
}

// need reports a record of an index that is missing.
func need[T any](v *verifier, t store.Table[T], path, by string) {
	if _, there, _ := look(v, t, path); !there {
		v.found(t.Prefix+"/"+path, fmt.Errorf("it is missing: %s needs it", by))
	}
}

var errMoved = errors.New("what it holds belongs to another path")

func (v *verifier) event(path string, r records.PendingEvent) error {
	id, err := audit.ID(r.Line)
	if err == nil && (id != path || r.After < 0) {
		err = errMoved
	}
	return err
}

// usageOf looks at the last usage of a key, which must be there.
func (v *verifier) usageOf(path string, r records.Usage) error {
	if _, there, _ := look(v, records.Keys, path); !there {
		return errors.New("there is no such key")
	}
	if !slices.Contains(api.Enum("KeyLastUsageTrackingOperation"), r.Operation) || r.EventID == "" || r.Time.IsZero() {
		return fmt.Errorf("%q is no usage of a key", r.Operation)
	}
	return nil
}

func (v *verifier) clockAhead(path string, r records.Clock) error {
	if path != records.ClockPath || r.OffsetNanos < 0 || r.OffsetNanos > int64(records.MaxClockOffset) {
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

// deployment holds the deployment against its access keys. One of keyhold dev has
// neither, or those of declared identities.
func (v *verifier) deployment() {
	made, opened := v.Records[records.Deployments.Prefix] > 0, v.Records[records.AccessKeys.Prefix] > 0
	switch {
	case made && !opened:
		v.found(records.AccessKeys.Prefix, errors.New("there is none: nobody can use the deployment"))
	case opened && !made && v.Records[records.Accounts.Prefix] == 0:
		v.found(records.Deployments.Prefix+"/"+records.DeploymentPath, errors.New("it is missing: there are access keys"))
	}
}
