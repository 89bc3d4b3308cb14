package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/expiries"
	"github.com/keyhold/keyhold/internal/service"
)

// mostThresholds limits the values of --expiry-warnings.
const mostThresholds = 10

// expiryOptions are the flags for warnings of key material that expires.
type expiryOptions struct {
	warnings []string
	hookTo   string
	hook     *expiries.Hook // nil without --expiry-hook
}

func (o *expiryOptions) flags(c *cobra.Command, standard ...string) {
	c.Flags().StringSliceVar(&o.warnings, "expiry-warnings", standard,
		"times before the expiry of imported key material at which to warn, separated by commas; none warns never")
	c.Flags().StringVar(&o.hookTo, "expiry-hook", "",
		"absolute path of a command, or https URL, that gets each of these warnings as JSON")
}

// check rejects invalid flags before anything is opened.
func (o expiryOptions) check() error {
	if o.hookTo != "" {
		if err := expiries.CheckHook(o.hookTo); err != nil {
			return usageError{fmt.Errorf("--expiry-hook: %w", err)}
		}
	}
	_, err := o.ahead()
	return err
}

// ahead returns the times, the longest first.
func (o expiryOptions) ahead() (all []time.Duration, err error) {
	if slices.Equal(o.warnings, []string{"none"}) {
		return nil, nil
	}
	if len(o.warnings) > mostThresholds {
		return nil, usageError{fmt.Errorf("--expiry-warnings: give at most %d times", mostThresholds)}
	}
	for _, text := range o.warnings {
		seconds, err := parseSeconds(text)
		if err != nil || seconds < 1 {
			return nil, usageError{fmt.Errorf("--expiry-warnings: %q is not a time: write it as 30d or 36h", text)}
		}
		all = append(all, time.Duration(seconds)*time.Second)
	}
	slices.Sort(all)
	slices.Reverse(all)
	return slices.Compact(all), nil
}

// configure makes a service warn.
func (o *expiryOptions) configure(c *service.Config, log *slog.Logger) {
	c.ExpiryAhead, _ = o.ahead() // was checked
	if o.hookTo != "" {
		o.hook = expiries.NewHook(o.hookTo, log)
		c.ExpiryWarned = o.hook.Add
	}
}

// run calls the hook until ctx ends.
func (o *expiryOptions) run(ctx context.Context) {
	if o.hook != nil {
		go o.hook.Run(ctx)
	}
}
