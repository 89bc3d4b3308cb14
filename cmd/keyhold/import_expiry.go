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
	after   time.Duration // from now; if 0, at counts
	at      time.Time

	// Set once the time of the server is known.
	now     time.Time
	validTo time.Time // zero for no expiry
}

func (e *expiry) flags(c *cobra.Command) {
	c.Flags().StringVar(&e.expires, "expires", "",
		"when the material expires: a time from now, such as 90d or 12h, "+
			"or a date, such as 2030-01-31 or 2030-01-31T12:00:00Z")
	c.Flags().BoolVar(&e.never, "no-expiry", false,
		"the material does not expire: the server keeps it until it is deleted")
}

// check reads the flags.
func (e *expiry) check() (err error) {
	if (e.expires == "") != e.never {
		return usageError{errors.New("choose when the material expires: " +
			"--expires 90d, --expires 2030-01-31, or --no-expiry")}
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
		return usageError{fmt.Errorf("--expires %q is neither a time from now, such as 90d or 12h, "+
			"nor a date, such as 2030-01-31 or 2030-01-31T12:00:00Z", e.expires)}
	}
	e.after = time.Duration(seconds) * time.Second
	return nil
}

// maxValidity is the longest validity of imported material that the API allows.
const maxValidity = 365 * 24 * time.Hour

// set computes validTo, by the time of the server.
func (e *expiry) set(now time.Time) error {
	if e.never {
		return nil
	}
	at := e.at
	if e.after != 0 {
		at = now.Add(e.after)
	}
	switch {
	case !at.After(now):
		return usageError{fmt.Errorf("--expires %s has passed: the server's clock shows %s", e.expires, formatTime(now))}
	case at.After(now.Add(maxValidity)):
		return usageError{fmt.Errorf("--expires %s is too late: imported material can be valid for at most 365 days; "+
			"give an earlier time, or --no-expiry", e.expires)}
	}
	e.now, e.validTo = now, at.Truncate(time.Second)
	return nil
}

// text describes the expiry for people.
func (e *expiry) text() string {
	if e.never {
		return "without expiry"
	}
	return fmt.Sprintf("until %s, %s from now", formatTime(e.validTo), formatTimeLeft(e.validTo, e.now))
}
