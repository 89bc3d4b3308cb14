package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

// statusOptions are the flags of keyhold status.
type statusOptions struct {
	client clientOptions
	output output
	watch  bool
	within string
}

func statusCommand() *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use:   "status [--watch]",
		Short: "Show the state of a server and its deployment on one screen",
		Long: `Show the state of a server and its deployment: version, checks, custody, nodes, keys by
state, next expiries and deletions, audit log, and requests of the last minutes. The
credentials must belong to the deployment's account, and have the permission
keyhold:Status. Of several nodes, the node that answers describes itself.

Exit codes for scripts: 0 if all is well, 3 if a check fails, if key material, the certificate
or the age of the root key ends within --within, or if the disk has little free space.`,
		Example: "  keyhold status --within 7d || notify-send 'look at keyhold'",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.output.check(c); err != nil {
				return err
			}
			return o.run(c.Context(), printer{c.ErrOrStderr()})
		},
	}
	o.client.flags(c)
	o.output.flag(c)
	c.Flags().BoolVar(&o.watch, "watch", false, "show the state again every 2 seconds, until interrupted")
	c.Flags().StringVar(&o.within, "within", "1d", "time to look ahead for expiries, such as 7d or 36h")
	return c
}

// watchPeriod is the time between two answers of keyhold status --watch.
const watchPeriod = 2 * time.Second

func (o *statusOptions) run(ctx context.Context, progress printer) error {
	within, err := parseAge("--within", o.within, "7d")
	if err != nil {
		return err
	}
	at, err := o.client.connect(ctx, progress)
	if err != nil {
		return err
	}
	for {
		s, err := at.status(ctx)
		if err != nil {
			return err
		}
		if o.watch {
			clearScreen(o.output.w)
		}
		if err := o.output.print(statusText(s), s); err != nil {
			return err
		}
		if !o.watch {
			return o.judge(s, within, progress)
		}
		select {
		case <-time.After(watchPeriod):
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *connection) status(ctx context.Context) (s api.StatusResponse, err error) {
	if err = c.call(ctx, api.TargetAdmin, "Status", &api.StatusRequest{}, &s); err != nil {
		return s, err
	}
	if s.Time == nil {
		return s, c.mismatchError()
	}
	return s, nil
}

// judge prints everything that needs attention. Its error has the exit code 3 if it printed something.
func (o *statusOptions) judge(s api.StatusResponse, ahead time.Duration, progress printer) error {
	todo := statusDue(s, s.Time.Time().Add(ahead))
	for _, text := range todo {
		progress.step("To do", "%s", text)
	}
	if len(todo) > 0 {
		return exitCode(exitExpiring)
	}
	return nil
}

// statusDue returns texts about checks that fail, expiries until end, and a disk with little space.
func statusDue(s api.StatusResponse, end time.Time) (due []string) {
	for _, c := range s.Checks {
		if !c.Passed {
			due = append(due, fmt.Sprintf("the check %s fails: %s", deref(c.Name), deref(c.Reason)))
		}
	}
	for _, m := range s.Expiries {
		if m.At != nil && m.At.Time().Before(end) {
			due = append(due, fmt.Sprintf("import the material of %s again: it expires at %s", deref(m.Arn), dateOf(m.At)))
		}
	}
	for _, r := range s.Readings {
		if r.Ends == nil && r.Low || r.Ends != nil && r.Ends.Time().Before(end) {
			due = append(due, strings.TrimSuffix(deref(r.Reason)+": "+deref(r.Remedy), ": "))
		}
	}
	return due
}

// statusText shows the state of a server on one screen.
func statusText(s api.StatusResponse) *page {
	p := new(page)
	p.printf("%s\n\n", statusTitle(s))
	w := p.table()
	for _, line := range statusLines(s) {
		printf(w, "%s\t%s\n", line[0], line[1])
	}
	w.Flush()
	statusTables(p, s)
	return p
}

func statusTitle(s api.StatusResponse) string {
	ready := "ready"
	if !s.Ready && len(s.Checks) > 0 {
		ready = "NOT READY"
	}
	up := ""
	if s.Started != nil {
		up = ", up " + formatTimeUp(s.Time.Time().Sub(s.Started.Time()))
	}
	return fmt.Sprintf("keyhold %s at %s: %s%s", cmp.Or(deref(s.Version), "of an unknown version"),
		cmp.Or(deref(s.Address), "an unknown address"), ready, up)
}

// formatTimeUp returns a duration in its two largest units.
func formatTimeUp(d time.Duration) string {
	switch days := int(d / (24 * time.Hour)); {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, int(d/time.Hour)%24)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", int(d/time.Hour), int(d/time.Minute)%60)
	}
	return fmt.Sprintf("%dm%ds", int(d/time.Minute), int(d/time.Second)%60)
}

// statusLines returns the facts about the server, each with its name.
func statusLines(s api.StatusResponse) (lines [][2]string) {
	add := func(name, format string, args ...any) {
		lines = append(lines, [2]string{name, fmt.Sprintf(format, args...)})
	}
	for _, c := range s.Custodies {
		if c.InUse {
			add("custody", "%s", deref(c.CustodyId))
		}
	}
	if a := s.Audit; a != nil {
		add("audit log", "%s, %d events%s", deref(a.Origin), *a.Lines, behind(a))
	}
	if s.Connections != nil {
		add("connections", "%d of %d", *s.Connections.Used, *s.Connections.Limit)
	}
	if s.Throttled != nil {
		add("throttled", "%d requests", *s.Throttled)
	}
	if c := s.Certificate; c != nil && len(c.Names) > 0 {
		add("names", "%s", certificateNames(c.Names))
	}
	for _, r := range s.Readings {
		add(deref(r.Subject), "%s", deref(r.Reason))
	}
	add("keys", "%s", keysByState(s))
	if n := len(s.Minutes); n > 0 {
		m := s.Minutes[n-1]
		add("last minute", "%d requests, %d refused, half within %s, 99%% within %s",
			*m.Requests, *m.Refused, micros(m.Median), micros(m.P99))
	}
	return lines
}

// The bounds of the names of a certificate on the screen. A DNS name has at most 253 characters (RFC 1035, section
// 2.3.4).
const (
	shownNames    = 5
	longestShown  = 253
	shortenedMark = "…"
)

// certificateNames returns the first names and addresses of a certificate, and the number of the others.
func certificateNames(all []string) string {
	var shown []string
	for _, name := range all[:min(len(all), shownNames)] {
		if runes := []rune(name); len(runes) > longestShown {
			name = string(runes[:longestShown]) + shortenedMark
		}
		shown = append(shown, name)
	}
	text := strings.Join(shown, ", ")
	if n := len(all) - len(shown); n > 0 {
		text += fmt.Sprintf(", and %d more", n)
	}
	return text
}

func behind(a *api.StatusAudit) (text string) {
	if a.AnchorBehind != nil {
		text += fmt.Sprintf(", the anchor lacks %d", *a.AnchorBehind)
	}
	if a.ForwardBehind != nil {
		text += fmt.Sprintf(", the second device lacks %d", *a.ForwardBehind)
	}
	return text
}

func micros(n *int64) string { return (time.Duration(*n) * time.Microsecond).String() }

func keysByState(s api.StatusResponse) string {
	if s.KeysCounted == nil {
		return "being counted"
	}
	var all []string
	for _, k := range s.Keys {
		all = append(all, fmt.Sprintf("%d %s", *k.Count, deref(k.KeyState)))
	}
	return cmp.Or(strings.Join(all, ", "), "none") + " (counted at " + dateOf(s.KeysCounted) + ")"
}

// statusTables adds the checks that fail, the nodes, and what happens next.
func statusTables(p *page, s api.StatusResponse) {
	w := p.table()
	for _, c := range s.Checks {
		if !c.Passed {
			printf(w, "\nFAILS\t%s\t%s\n", deref(c.Name), deref(c.Reason))
		}
	}
	w.Flush()
	if len(s.Nodes) > 0 {
		w = p.table()
		printf(w, "\nNODE\tSTATE\tADDRESS\tVERSION\n")
		for _, n := range s.Nodes {
			printf(w, "%s\t%s\t%s\t%s\n", deref(n.NodeId), deref(n.State), deref(n.Address), deref(n.Version))
		}
		w.Flush()
	}
	momentsTable(p, "EXPIRES", s.Expiries)
	momentsTable(p, "DELETED", s.Deletions)
}

func momentsTable(p *page, title string, all []api.StatusMoment) {
	if len(all) == 0 {
		return
	}
	w := p.table()
	printf(w, "\n%s\tKEY\n", title)
	for _, m := range all {
		printf(w, "%s\t%s\n", dateOf(m.At), deref(m.Arn))
	}
	w.Flush()
}
