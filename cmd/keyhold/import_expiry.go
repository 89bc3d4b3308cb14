package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// An expiry is the time until which imported material is valid. There is no default: AWS
// requires a date unless the material never expires, and users should decide.
type expiry struct {
	expires string
	never   bool
	after   time.Duration // from now, or else
	at      time.Time
}

func (e *expiry) flags(c *cobra.Command) {
	c.Flags().StringVar(&e.expires, "expires", "", "when the material expires: a time from now, such as 90d or 12h, or a date, such as 2030-01-31 or 2030-01-31T12:00:00Z")
	c.Flags().BoolVar(&e.never, "no-expiry", false, "the material does not expire: the server keeps it until it is deleted")
}

// check reads the flags.
func (e *expiry) check() (err error) {
	if (e.expires == "") != e.never {
		return usageError{errors.New("choose when the material expires: --expires 90d, --expires 2030-01-31, or --no-expiry")}
	}
	if e.never {
		return nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if e.at, err = time.Parse(form, e.expires); err == nil {
			return nil
		}
	}
	seconds, err := parseSeconds(e.expires)
	if err != nil {
		return usageError{fmt.Errorf("--expires %q is neither a time from now, such as 90d or 12h, nor a date, such as 2030-01-31 or 2030-01-31T12:00:00Z", e.expires)}
	}
	e.after = time.Duration(seconds) * time.Second
	return nil
}

// maxValidity is how long the API lets imported material be good.
const maxValidity = 365 * 24 * time.Hour

// validTo returns the moment of the expiry, zero for none, given the server's time.
func (e *expiry) validTo(now time.Time) (time.Time, error) {
	if e.never {
		return time.Time{}, nil
	}
	at := e.at
	if e.after != 0 {
		at = now.Add(e.after)
	}
	switch {
	case !at.After(now):
		return at, usageError{fmt.Errorf("--expires %s has passed: the server's clock shows %s", e.expires, moment(now))}
	case at.After(now.Add(maxValidity)):
		return at, usageError{fmt.Errorf("--expires %s is too late: imported material can be valid for at most 365 days; give an earlier time, or --no-expiry", e.expires)}
	}
	return at.Truncate(time.Second), nil
}

// moment is how times are shown.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// left is the time until then, in whole days, or in hours if there are not many.
func left(then, now time.Time) string {
	if days := daysLeft(then, now); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	return fmt.Sprintf("%d hours", then.Sub(now)/time.Hour)
}

// daysLeft is the number of whole days until then.
func daysLeft(then, now time.Time) int { return int(then.Sub(now) / (24 * time.Hour)) }
