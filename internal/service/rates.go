package service

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/identity"
)

// Names of which the rates are kept, for each class. A name beyond them shares the
// bucket of another one (admit.Buckets).
const (
	ratedPrincipals = 4096
	ratedAccounts   = 1024
)

// rates hold principals and accounts to the rates of the table.
type rates struct {
	classes  []classRates   // as in rateRows; none if there are no rates
	recorded *admit.Buckets // the refusals that get an event of their own
	omitted  atomic.Int64   // refusals without an event since the last one with an event
}

// classRates are nil where the class has no limit.
type classRates struct{ principals, accounts *admit.Buckets }

// recordEvery is how often a refusal of one principal in one class gets an event.
const recordEvery = time.Minute

// newRates returns the rates of a Config: requests of one principal in a second, by
// class. A class that is not there, or whose rate is 0, has no limit.
func newRates(perSecond map[string]int, now time.Time) *rates {
	r := &rates{recorded: admit.NewBuckets(admit.Limit{PerSecond: 1 / recordEvery.Seconds(), Burst: 1}, ratedPrincipals, now)}
	if len(perSecond) == 0 {
		return r
	}
	r.classes = make([]classRates, len(rateRows))
	for i, row := range rateRows {
		if n := perSecond[row.class]; n > 0 {
			r.classes[i].principals = admit.NewBuckets(limitOf(n), ratedPrincipals, now)
			r.classes[i].accounts = admit.NewBuckets(limitOf(2*n), ratedAccounts, now)
		}
	}
	return r
}

func limitOf(perSecond int) admit.Limit {
	return admit.Limit{PerSecond: float64(perSecond), Burst: burst * perSecond}
}

// admit reports whether the principal may make a request of the class now.
func (r *rates) admit(p *identity.Principal, class int, now time.Time) bool {
	if r.classes == nil {
		return true
	}
	c := &r.classes[class]
	if c.principals == nil {
		return true
	}
	return c.principals.Allow(payer(p), now) && c.accounts.Allow(p.AccountID, now)
}

// throttle refuses a request that comes too fast. The first refusal of a principal and
// class in a minute is recorded, with the number of refusals that were not.
func (c *call) throttle() error {
	refused := throttled()
	class := rateRows[c.Operation.class].class
	if !c.rates.recorded.Allow(payer(&c.Caller.Principal)+" "+class, c.begun) {
		c.rates.omitted.Add(1)
		return refused
	}
	e := c.event(refused)
	e.AdditionalEventData = fmt.Appendf(nil, `{"rateClass":%s,"throttledWithoutEvent":%d}`, strconv.Quote(class), c.rates.omitted.Swap(0))
	if err := c.audit.Write(c.ctx, e); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return refused
}
