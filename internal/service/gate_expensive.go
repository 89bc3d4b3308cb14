package service

import (
	"context"
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
)

// patience is the maximum time that a computation waits for its turn. It is shorter than the
// shortest response time-out of an SDK, which is 30 s in Java.
const patience = 20 * time.Second

// Bounds of the computations that wait. An RSA_4096 pair takes a processor for 0.5 to 2 s.
const (
	longPerName  = 16
	longInAll    = 256
	briefPerName = 4096 // each is a connection with one request
	briefInAll   = 16384
)

// expensive shares the processors between expensive computations. Principals take turns, so
// nobody waits for all computations of another principal. All but the brief computations leave
// one processor free, if there are several processors.
type expensive struct {
	brief, long, policies, bulky *admit.Queue
	patience                     time.Duration
	running                      func(change int) // Config.Computing
}

func newExpensive(processors int, running func(change int)) *expensive {
	if running == nil {
		running = func(int) {}
	}
	return &expensive{
		brief:    admit.NewQueue(admit.Bounds{Places: processors, PerName: briefPerName, Total: briefInAll}),
		long:     admit.NewQueue(admit.Bounds{Places: max(1, processors-1), PerName: longPerName, Total: longInAll}),
		policies: admit.NewQueue(admit.Bounds{Places: max(1, processors-1), PerName: briefPerName, Total: briefInAll}),
		bulky:    admit.NewQueue(admit.Bounds{Places: max(1, processors-1), PerName: briefPerName, Total: briefInAll}),
		patience: patience,
		running:  running,
	}
}

// queue returns the queue for computations of an effort, or nil.
func (e *expensive) queue(of effort) *admit.Queue {
	switch of {
	case brief:
		return e.brief
	case long:
		return e.long
	case policies:
		return e.policies
	case bulky:
		return e.bulky
	}
	return nil
}

// begin waits for the turn of the principal. After begin has returned nil, the caller
// must call end.
func (e *expensive) begin(ctx context.Context, of effort, principal string) error {
	q := e.queue(of)
	if q == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, e.patience)
	defer cancel()
	err := q.Enter(ctx, principal)
	if errors.Is(err, admit.ErrFull) || errors.Is(err, context.DeadlineExceeded) {
		return errThrottled()
	}
	if err == nil {
		e.running(1)
	}
	return err
}

// end gives the turn to the next computation.
func (e *expensive) end(of effort) {
	if q := e.queue(of); q != nil {
		e.running(-1)
		q.Leave()
	}
}

// makeWrappingKey generates a wrapping key pair when it is the principal's turn.
func (e *expensive) makeWrappingKey(ctx context.Context, principal, spec string) (*crypt.WrappingKey, error) {
	if err := e.begin(ctx, long, principal); err != nil {
		return nil, err
	}
	defer e.end(long)
	return crypt.NewWrappingKey(spec)
}

// errThrottled is the answer to a request that comes too fast. All SDKs repeat such requests.
func errThrottled() *key.Error {
	return key.Errorf(key.KindThrottling,
		"You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.")
}

// compute runs f, which takes the effort, when it is the caller's turn. A large request already
// has its turn to decide by policies.
func (c *call) compute(of effort, f func() error) error {
	if of == policies && c.Turn.lasts() {
		return f()
	}
	if err := c.expensive.begin(c.ctx, of, payer(&c.Caller.Principal)); err != nil {
		return err
	}
	defer c.expensive.end(of)
	return f()
}

// withCurrent calls use with the key of the current material of k when it is the caller's turn.
// The state of k must permit that use. use must not keep the key.
func withCurrent[K any](c *call, k key.Key, use func(K) error) error {
	m, _ := k.Current()
	// Wait for the turn before the material is in use, because an erasure waits until nobody
	// uses the material.
	return c.compute(effortsOf[k.Spec].using, func() error {
		return material.With(c.ctx, c.materials, k, m, use)
	})
}

// isListing reports whether an operation reads and opens up to a thousand records.
func isListing(o Operation) bool {
	return rateRows[o.class].class == "list" || o.Name == "ListIdentities"
}

// inTurn makes a listing wait for the turn of its caller.
func inTurn(run func(c *call, in any) (any, error)) func(c *call, in any) (any, error) {
	return func(c *call, in any) (out any, err error) {
		err = c.compute(bulky, func() (err error) {
			out, err = run(c, in)
			return err
		})
		return out, err
	}
}

// payer returns the name under which a principal takes turns and uses up rates. The sessions of
// a role share the name of the role, because anybody who may assume the role can choose any
// session name.
func payer(p *identity.Principal) string {
	if p.RoleARN != "" {
		return p.RoleARN
	}
	return p.ARN
}
