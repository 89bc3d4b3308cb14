package service

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// quotaTable lists for each quota the table of records that it limits, the scope, and the
// default limit. Keys that are pending deletion count. Sources: "Resource quotas" in the
// developer guide for keys, "IAM and AWS STS quotas" for identities. AWS has no quota for all
// aliases and all grants of an account.
const quotaTable = `
keys       key             account/Region   100000
aliases    alias           account/Region   200000
grants     grant           account/Region  1000000
accounts   account         deployment        10000
users      user            account            5000
roles      role            account            5000
policies   managed-policy  account            5000
providers  oidc-provider   account             100
`

// depths are the numbers of path segments that form the scopes.
var depths = map[string]int{"deployment": 0, "account": 1, "account/Region": 2}

// parseQuotas parses the table. It panics on a malformed table, which is a mistake in the
// program.
func parseQuotas(table string) (all []store.Quota) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		f := strings.Fields(line)
		limit, err := strconv.Atoi(f[3])
		depth, ok := depths[f[2]]
		if err != nil || !ok {
			panic(fmt.Sprintf("service: not a line of the table of quotas: %q", line))
		}
		all = append(all, store.Quota{Name: f[0], Prefix: f[1], Depth: depth, Limit: limit})
	}
	return all
}

// DefaultQuotas returns the quotas by name.
func DefaultQuotas() map[string]int {
	all := map[string]int{}
	for _, q := range parseQuotas(quotaTable) {
		all[q.Name] = q.Limit
	}
	return all
}

// quotasOf returns the quotas of a Config. A quota that is missing or 0 does not limit, but the records are counted,
// because SetLimits may limit them later. Without any quotas nothing is counted.
func quotasOf(limits map[string]int) (all []store.Quota) {
	if len(limits) == 0 {
		return nil
	}
	for _, q := range parseQuotas(quotaTable) {
		if q.Limit = limits[q.Name]; q.Limit <= 0 {
			q.Limit = math.MaxInt
		}
		all = append(all, q)
	}
	return all
}

// SetLimits replaces the rates and the quotas of the Config while requests are carried out. The Config must have had
// both.
func (s *Service) SetLimits(rates, quotas map[string]int) {
	s.rates.set(rates, time.Now())
	s.store.Limit(quotasOf(quotas)...)
}

// quotaExceeded returns the error on the wire for a QuotaError, and any other error unchanged.
func quotaExceeded(err error) error {
	full, ok := errors.AsType[*store.QuotaError](err)
	if !ok {
		return err
	}
	scope := []string{"this deployment", "this account", "this account and Region"}[full.Quota.Depth]
	return key.Errorf(key.KindLimitExceeded,
		"The quota of %d %s in %s is used up.", full.Quota.Limit, full.Quota.Name, scope)
}
