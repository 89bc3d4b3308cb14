package service

import (
	"errors"
	"fmt"
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// A verification decodes a record that opened and looks at it: whether it fits its
// path, and what it says of others. The error is what is wrong with the record.
type verification func(v *verifier, path string, plain []byte) error

// verifications returns one for each kind of record.
func verifications() map[string]verification {
	rows := map[string]verification{}
	verifies(rows, keys, (*verifier).key)
	verifies(rows, dues, (*verifier).due)
	verifies(rows, aliases, (*verifier).alias)
	verifies(rows, aliasesOfKey, (*verifier).aliasOfKey)
	verifies(rows, aliasGuards, (*verifier).aliasGuard)
	verifies(rows, grants, (*verifier).grant)
	verifies(rows, grantsOfGrantee, (*verifier).grantOfGrantee)
	verifies(rows, grantsOfRetirer, (*verifier).grantOfRetirer)
	verifies(rows, shapesOfGrantees, (*verifier).shapesOfGrantee)
	verifies(rows, grantMatches, (*verifier).grantMatch)
	verifies(rows, grantRequests, (*verifier).grantRequest)
	verifies(rows, grantGuards, (*verifier).grantGuard)
	verifies(rows, families, (*verifier).family)
	verifies(rows, tokenRings, (*verifier).tokenRing)
	verifies(rows, erasures, (*verifier).erasure)
	verifies(rows, usages, (*verifier).usageOf)
	verifies(rows, outboxes, (*verifier).event)
	verifies(rows, clocks, (*verifier).clockAhead)
	verifies(rows, formats, (*verifier).formatOf)
	verifies(rows, deployments, (*verifier).deploymentOf)
	verifies(rows, accessKeys, (*verifier).accessKey)
	verifies(rows, accessKeyUsages, (*verifier).accessKeyUsage)
	verifies(rows, accounts, (*verifier).account)
	verifies(rows, users, (*verifier).user)
	verifies(rows, roles, (*verifier).role)
	verifies(rows, managedPolicies, (*verifier).managedPolicy)
	verifies(rows, oidcProviders, (*verifier).oidcProvider)
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

func (v *verifier) event(path string, r outboxRecord) error {
	id, err := audit.ID(r.Line)
	if err == nil && (id != path || r.After < 0) {
		err = errMoved
	}
	return err
}

// usageOf looks at the last usage of a key, which must be there.
func (v *verifier) usageOf(path string, r usageRecord) error {
	if _, there, _ := look(v, keys, path); !there {
		return errors.New("there is no such key")
	}
	if !slices.Contains(api.Enum("KeyLastUsageTrackingOperation"), r.Operation) || r.EventID == "" || r.Time.IsZero() {
		return fmt.Errorf("%q is no usage of a key", r.Operation)
	}
	return nil
}

func (v *verifier) clockAhead(path string, r clockRecord) error {
	if path != clockPath || r.OffsetNanos < 0 || r.OffsetNanos > int64(maxAhead) {
		return errMoved
	}
	return nil
}

func (v *verifier) deploymentOf(path string, d deploymentRecord) error {
	if path != deploymentPath || !key.ValidAccount(d.Account) {
		return errMoved
	}
	return nil
}

// deployment holds the deployment against its access keys. One of keyhold dev has
// neither, or those of declared identities.
func (v *verifier) deployment() {
	made, opened := v.Records[deployments.Prefix] > 0, v.Records[accessKeys.Prefix] > 0
	switch {
	case made && !opened:
		v.found(accessKeys.Prefix, errors.New("there is none: nobody can use the deployment"))
	case opened && !made && v.Records[accounts.Prefix] == 0:
		v.found(deployments.Prefix+"/"+deploymentPath, errors.New("it is missing: there are access keys"))
	}
}
