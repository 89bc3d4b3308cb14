package service

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/identity"
)

// The numbers of names whose rates are kept, for each class. Further names share buckets
// (admit.Buckets).
const (
	ratedPrincipals = 4096
	ratedAccounts   = 1024
)

// rates limits principals and accounts to the rates of the table.
type rates struct {
	classes  []classRates   // as in rateRows; none if there are no rates
	recorded *admit.Buckets // for refusals that get an event of their own
	omitted  atomic.Int64   // refusals without an event since the last one with an event
}

// classRates are the buckets of a class. A class without a limit has none. SetLimits replaces them as a whole.
type classRates struct{ atomic.Pointer[classBuckets] }

type classBuckets struct {
	perSecond            int
	principals, accounts *admit.Buckets
}

// recordEvery is the interval at which refusals of one principal in one class get an event.
const recordEvery = time.Minute

// newRates returns the rates of a Config: requests of one principal in a second, by class. A
// class that is missing or 0 has no limit.
func newRates(perSecond map[string]int, now time.Time) *rates {
	once := admit.Limit{PerSecond: 1 / recordEvery.Seconds(), Burst: 1}
	r := &rates{recorded: admit.NewBuckets(once, ratedPrincipals, now)}
	if len(perSecond) == 0 {
		return r
	}
	r.classes = make([]classRates, len(rateRows))
	r.set(perSecond, now)
	return r
}

// set replaces the rates. A class whose rate stays the same keeps what its principals have used up.
func (r *rates) set(perSecond map[string]int, now time.Time) {
	for i := range r.classes {
		n := max(0, perSecond[rateRows[i].class])
		switch old := r.classes[i].Load(); {
		case n == 0:
			r.classes[i].Store(nil)
		case old == nil || old.perSecond != n:
			r.classes[i].Store(&classBuckets{n, admit.NewBuckets(limitOf(n), ratedPrincipals, now),
				admit.NewBuckets(limitOf(2*n), ratedAccounts, now)})
		}
	}
}

func limitOf(perSecond int) admit.Limit {
	return admit.Limit{PerSecond: float64(perSecond), Burst: burst * perSecond}
}

// admit reports whether the principal may make a request of the class now.
func (r *rates) admit(p *identity.Principal, class int, now time.Time) bool {
	if r.classes == nil {
		return true
	}
	c := r.classes[class].Load()
	if c == nil {
		return true
	}
	return c.principals.Allow(payer(p), now) && c.accounts.Allow(p.AccountID, now)
}

// throttle refuses a request that comes too fast. The first refusal of a principal in a class
// in a minute gets an event. The event counts the refusals without one.
func (c *call) throttle() error {
	refused := errThrottled()
	c.throttled.Add(1)
	class := rateRows[c.Operation.class].class
	if !c.rates.recorded.Allow(payer(&c.Caller.Principal)+" "+class, c.begun) {
		c.rates.omitted.Add(1)
		return refused
	}
	e := c.event(refused)
	e.AdditionalEventData = fmt.Appendf(nil, `{"rateClass":%s,"throttledWithoutEvent":%d}`,
		strconv.Quote(class), c.rates.omitted.Swap(0))
	if err := c.audit.Write(c.ctx, e); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return refused
}

// rateTable lists the classes of operations, and the number of requests of a class that one
// principal may make in a second. An account may make twice as many. After a pause a principal
// may make at once as many requests as in burst seconds. Each operation belongs to one class.
//
// The classes follow "Request quotas" in the developer guide. The rates are far higher than the
// rates there, so that only attackers reach them.
const rateTable = `
cryptographic   50000  Encrypt Decrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateMac VerifyMac GenerateRandom
asymmetric      20000  Sign Verify DeriveSharedSecret Encapsulate Decapsulate
pairs            1000  GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext
import            500  GetParametersForImport ImportKeyMaterial DeleteImportedKeyMaterial
creation         2000  CreateKey ReplicateKey CreateAlias CreateGrant
change           2000  CancelKeyDeletion DeleteAlias DisableKey DisableKeyRotation EnableKey EnableKeyRotation PutKeyPolicy RetireGrant
change           2000  RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion TagResource UntagResource UpdateAlias UpdateKeyDescription
change           2000  UpdatePrimaryRegion
look            10000  DescribeCustomKeyStores DescribeKey GetKeyPolicy GetKeyRotationStatus GetPublicKey GetCallerIdentity
list             2000  GetKeyLastUsage ListAliases ListGrants ListKeyPolicies ListKeyRotations ListKeys ListResourceTags ListRetirableGrants
list             2000  ListKeySummaries Status
session          2000  AssumeRole AssumeRoleWithWebIdentity GetSessionToken
administration   1000  DeleteIdentity ExplainDecision ListIdentities PutAccount PutPolicy PutProvider PutRole PutUser RecreateKey
administration   1000  RevokeSessions RotateAccessKey SetIdentityState ShowIdentity ExplainSignature MoveClock ShowClock
administration   1000  Backup SealMigrate SealRotate SealStatus
search             50  ProveEvent QueryAudit
`

// burst is how many seconds of a rate may be used at once.
const burst = 10

// rateRows is the parsed table, which is never written to.
var rateRows = parseRates(rateTable)

// A rateRow is a class of operations.
type rateRow struct {
	class      string
	perSecond  int // of one principal
	operations []string
}

// parseRates parses the table. It panics on a malformed table, which is a mistake in the
// program.
func parseRates(table string) (rows []rateRow) {
	for line := range strings.Lines(strings.TrimSpace(table)) {
		f := strings.Fields(line)
		perSecond, err := strconv.Atoi(f[1])
		if err != nil {
			panic(fmt.Sprintf("service: not a line of the table of rates: %q", line))
		}
		if n := len(rows); n > 0 && rows[n-1].class == f[0] {
			rows[n-1].operations = append(rows[n-1].operations, f[2:]...)
			continue
		}
		rows = append(rows, rateRow{f[0], perSecond, f[2:]})
	}
	return rows
}

// DefaultRates returns the requests in a second that one principal may make, by class.
func DefaultRates() map[string]int {
	all := map[string]int{}
	for _, row := range rateRows {
		all[row.class] = row.perSecond
	}
	return all
}

// classOf returns the index of an operation's class in rateRows, or -1.
func classOf(operation string) int {
	for i, row := range rateRows {
		for _, name := range row.operations {
			if name == operation {
				return i
			}
		}
	}
	return -1
}
