// Package health runs the checks that decide whether a server is ready, and reports a reason for each check that
// fails. Other packages declare the checks. It opens no files, sends nothing and writes no log.
package health

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// patience is how long a check may take.
const patience = 2 * time.Second

// A Check looks at one part of a server. Check returns nil, or why the part does not work; the text is for operators.
// It should return when ctx ends.
type Check struct {
	Name  string
	Check func(ctx context.Context) error
	// Degrades says that the server goes on serving while the check fails: a load balancer should not take the server
	// out.
	Degrades bool
}

// A Result is the result of one Check.
type Result struct {
	Name     string
	Degrades bool
	Err      error // nil if the check passed
}

// A Report has the results of all checks, in the order of the checks.
type Report []Result

// Ready reports whether the server should get requests.
func (r Report) Ready() bool {
	return !slices.ContainsFunc(r, func(one Result) bool { return one.Err != nil && !one.Degrades })
}

// Whole reports whether all checks passed.
func (r Report) Whole() bool {
	return !slices.ContainsFunc(r, func(one Result) bool { return one.Err != nil })
}

// A Checker runs checks. Its methods may be called concurrently.
type Checker struct {
	checks []*runner
}

// New returns a Checker. Names of checks must differ.
func New(checks ...Check) *Checker {
	c := &Checker{}
	for _, one := range checks {
		c.checks = append(c.checks, &runner{Check: one})
	}
	return c
}

// Names returns the names of the checks, in order.
func (c *Checker) Names() (names []string) {
	for _, r := range c.checks {
		names = append(names, r.Name)
	}
	return names
}

// Run runs all checks at the same time, and returns within two seconds. Calls at the same time share the runs of the
// checks, so many callers do not cost more than one.
func (c *Checker) Run(ctx context.Context) Report {
	report := make(Report, len(c.checks))
	var all sync.WaitGroup
	for i, r := range c.checks {
		all.Go(func() { report[i] = Result{r.Name, r.Degrades, r.result(ctx)} })
	}
	all.Wait()
	return report
}

// A runner runs one check, at most once at a time.
type runner struct {
	Check
	mu      sync.Mutex
	running *run // nil if the check does not run
}

// A run is one run of a check.
type run struct {
	begun time.Time
	done  chan struct{} // closed after err was set
	err   error
}

// result joins the run of the check, or begins one.
func (r *runner) result(ctx context.Context) error {
	one := r.begin()
	timer := time.NewTimer(time.Until(one.begun.Add(patience)))
	defer timer.Stop()
	select {
	case <-one.done:
		return one.err
	case <-ctx.Done():
		return fmt.Errorf("the check was given up: %w", context.Cause(ctx))
	case <-timer.C:
		return fmt.Errorf("the check has not ended for %v", time.Since(one.begun).Round(time.Second))
	}
}

func (r *runner) begin() *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running == nil {
		r.running = &run{begun: time.Now(), done: make(chan struct{})}
		go r.do(r.running)
	}
	return r.running
}

// do runs the check. The check has its own time limit, because the caller that began it may leave.
func (r *runner) do(one *run) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), patience, errors.New("no answer in time"))
	defer cancel()
	one.err = r.Check.Check(ctx)
	r.mu.Lock()
	r.running = nil
	r.mu.Unlock()
	close(one.done)
}
