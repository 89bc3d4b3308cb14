package main

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestExpiry(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 20, 30, 0, time.UTC)
	at := func(d time.Duration) string { return formatTime(now.Add(d)) }
	for _, test := range []struct {
		expires string
		never   bool
		want    string // the moment, or the error
	}{
		{"90d", false, at(90 * 24 * time.Hour)},
		{"1.5d", false, at(36 * time.Hour)},
		{"12h", false, at(12 * time.Hour)},
		{"1s", false, at(time.Second)},
		{"365d", false, at(365 * 24 * time.Hour)},
		{"2027-01-31", false, "2027-01-31T00:00:00Z"},
		{"2027-01-31T12:00:00Z", false, "2027-01-31T12:00:00Z"},
		{"2027-01-31T12:00:00+02:00", false, "2027-01-31T10:00:00Z"},
		{"", true, "0001-01-01T00:00:00Z"},
		{"", false, "choose when the material expires"},
		{"90d", true, "choose when the material expires"},
		{"366d", false, "is too late"},
		{"365d1s", false, "is neither a time from now"},
		{"2028-01-31", false, "is too late"},
		{"2026-11-25", false, "has passed: the server's clock shows 2026-11-25T10:20:30Z"},
		{"2026-11-25T10:20:30Z", false, "has passed"},
		{"0d", false, "is neither a time from now"},
		{"-1d", false, "is neither a time from now"},
		{"90", false, "is neither a time from now"},
		{"2027-02-30", false, "is neither a time from now"},
		{"31.1.2027", false, "is neither a time from now"},
	} {
		e := expiry{expires: test.expires, never: test.never}
		err := e.check()
		if err == nil {
			err = e.set(now)
		}
		got := e.validTo
		_, usage := errors.AsType[usageError](err)
		if err == nil && formatTime(got) != test.want || err != nil && (!strings.Contains(err.Error(), test.want) || !usage) {
			t.Errorf("%q, %v: %s, %v", test.expires, test.never, formatTime(got), err)
		}
	}
}
