package health

import (
	"fmt"
	"strings"
)

// The states of a server, and of a check.
const (
	Ready    = "ready"
	Degraded = "degraded" // the server serves, and a check fails
	NotReady = "not ready"
)

// State returns the state of the server.
func (r Report) State() string {
	switch {
	case !r.Ready():
		return NotReady
	case !r.Whole():
		return Degraded
	}
	return Ready
}

// state returns the state of a server for which only this check may fail.
func (r Result) state() string { return Report{r}.State() }

// Text returns the report for people: a line for each check, and the state of the server.
func (r Report) Text() string {
	var b strings.Builder
	for _, one := range r {
		mark := map[string]string{Ready: "[+]", Degraded: "[!]", NotReady: "[-]"}[one.state()]
		fmt.Fprintf(&b, "%s %s %s\n", mark, one.Name, one.reason())
	}
	fmt.Fprintln(&b, r.State())
	return b.String()
}

// reason returns "ok", or why the check failed, on one line.
func (r Result) reason() string {
	if r.Err == nil {
		return "ok"
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, r.Err.Error())
}

// An Answer is the report for programs.
type Answer struct {
	Status string        `json:"status"`
	Checks []CheckAnswer `json:"checks"`
}

// A CheckAnswer is the result of a check for programs. Reason is empty if the check passed.
type CheckAnswer struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// Answer returns the report for programs.
func (r Report) Answer() Answer {
	a := Answer{Status: r.State(), Checks: []CheckAnswer{}}
	for _, one := range r {
		line := CheckAnswer{Name: one.Name, Status: one.state()}
		if one.Err != nil {
			line.Reason = one.reason()
		}
		a.Checks = append(a.Checks, line)
	}
	return a
}
