package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/expiries"
	"github.com/keyhold/keyhold/internal/service"
)

// hookFlag is the flag of a hook.
const hookFlag = "expiry-hook"

// mostThresholds limits the values of --expiry-warnings.
const mostThresholds = 10

// expiryOptions are the flags for warnings of key material that expires, and of a certificate, a root key and a disk.
type expiryOptions struct {
	warnings   []string
	rootKeyAge string
	disk       []string
	hookTo     string
	hook       *expiries.Hook // nil without --expiry-hook
}

func (o *expiryOptions) flags(c *cobra.Command, standard ...string) {
	c.Flags().StringSliceVar(&o.warnings, "expiry-warnings", standard,
		"times before the expiry of imported key material at which to warn, separated by commas; none warns never")
	o.hookFlag(c)
}

// serverFlags adds flags that only keyhold serve has.
func (o *expiryOptions) serverFlags(c *cobra.Command) {
	c.Flags().StringVar(&o.rootKeyAge, "root-key-age", "365d",
		"age at which a root key should be replaced, for warnings at the times of --expiry-warnings; none for no age")
	c.Flags().StringSliceVar(&o.disk, "disk-warnings", []string{"1GiB", "256MiB"},
		"free space on the disk at which to warn, separated by commas, and at most a tenth of the disk; none warns never")
}

func (o *expiryOptions) hookFlag(c *cobra.Command) {
	c.Flags().StringVar(&o.hookTo, hookFlag, "",
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
	_, disk := o.low()
	_, age := o.maxAge()
	return errors.Join(err, disk, age)
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

// maxAge returns the age at which a root key should be replaced, or 0.
func (o expiryOptions) maxAge() (time.Duration, error) {
	if o.rootKeyAge == "none" || o.rootKeyAge == "" {
		return 0, nil
	}
	return parseAge("--root-key-age", o.rootKeyAge, "365d")
}

// low returns the bytes of free space at which to warn, the most first.
func (o expiryOptions) low() (all []int64, err error) {
	if slices.Equal(o.disk, []string{"none"}) {
		return nil, nil
	}
	if len(o.disk) > mostThresholds {
		return nil, usageError{fmt.Errorf("--disk-warnings: give at most %d sizes", mostThresholds)}
	}
	for _, text := range o.disk {
		bytes, ok := parseSize(text)
		if !ok {
			return nil, usageError{fmt.Errorf("--disk-warnings: %q is not a size: write it as 1GiB or 256MiB", text)}
		}
		all = append(all, bytes)
	}
	slices.Sort(all)
	slices.Reverse(all)
	return slices.Compact(all), nil
}

// parseSize reads a size such as 256MiB or 1GiB.
func parseSize(text string) (bytes int64, ok bool) {
	for suffix, unit := range map[string]int64{"MiB": 1 << 20, "GiB": 1 << 30} {
		if number, found := strings.CutSuffix(text, suffix); found {
			n, err := strconv.ParseInt(number, 10, 32)
			return n * unit, err == nil && n > 0
		}
	}
	return 0, false
}

// lowOf returns the bytes of free space at which to warn on a volume of a size, the most first: at most a tenth.
func (o expiryOptions) lowOf(total int64) []int64 {
	all, _ := o.low() // was checked
	for i := range all {
		all[i] = min(all[i], total/10)
	}
	return slices.Compact(all)
}

// firstLow returns the free space at which a volume of a size needs attention.
func (o expiryOptions) firstLow(total int64) int64 {
	if all := o.lowOf(total); len(all) > 0 {
		return all[0]
	}
	return 0
}

// longest returns the time before an end at which something needs attention.
func (o expiryOptions) longest() time.Duration {
	if all, _ := o.ahead(); len(all) > 0 { // was checked
		return all[0]
	}
	return 0
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
