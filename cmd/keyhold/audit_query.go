package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/audit"
)

// auditQueryOptions are the flags of keyhold audit query.
type auditQueryOptions struct {
	logSource
	audit.Query
	since, until string
}

func auditQueryCommand() *cobra.Command {
	var o auditQueryOptions
	c := &cobra.Command{
		Use:   "query [--data DIR | --log FILE] [conditions]",
		Short: "Print the events that fulfil conditions",
		Long: `Print the events that fulfil all conditions, as lines of JSON, ordered by time. Name the logs
of several nodes with --log: an event that is in two logs is printed once. After the events,
the command says on standard error which lines of which logs it has read.

An event that another node wrote more than a day late is not found by its time.

Without --data and --log, a server searches its log. The credentials must belong to the
deployment's account, and have the permission keyhold:QueryAudit. Each of several nodes
searches its own log, and the command names the other logs.`,
		Example: `  keyhold audit query --data /var/lib/keyhold --operation Decrypt --outcome failure \
    --since 2026-11-01T00:00:00Z`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runAuditQuery(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.logSource.flags(c)
	f := c.Flags()
	f.StringVar(&o.since, "since", "", "time of the oldest event, as 2026-11-30T12:00:00Z")
	f.StringVar(&o.until, "until", "", "time after the newest event")
	f.StringVar(&o.Principal, "principal", "", "ARN, user name, principal ID or access key ID")
	f.StringVar(&o.Key, "key", "", "ARN or ID of a key")
	f.StringVar(&o.Operation, "operation", "", "name of an operation")
	f.StringVar(&o.Outcome, "outcome", "", "success, failure, or an error code")
	f.StringVar(&o.Request, "request", "", "request ID")
	return c
}

// complete reads the times.
func (o *auditQueryOptions) complete() (err error) {
	for _, t := range []struct {
		flag, text string
		to         *time.Time
	}{{"--since", o.since, &o.From}, {"--until", o.until, &o.To}} {
		if t.text == "" {
			continue
		}
		if *t.to, err = time.Parse(time.RFC3339, t.text); err != nil {
			return usageError{fmt.Errorf("%s %q is not a time: write it as 2026-11-30T12:00:00Z", t.flag, t.text)}
		}
	}
	return nil
}

func runAuditQuery(ctx context.Context, o auditQueryOptions, out, log io.Writer) error {
	if err := cmp.Or(o.check(), o.complete()); err != nil {
		return err
	}
	if o.asksServer() {
		at, err := o.client.connect(ctx, printer{log})
		if err != nil {
			return err
		}
		return at.queryAudit(ctx, o.request(), out, log)
	}
	paths := o.paths()
	var logs []*audit.Folder
	for _, path := range paths {
		f, err := audit.OpenFolder(path)
		if err != nil {
			return err
		}
		logs = append(logs, f)
	}
	if err := audit.Merge(ctx, logs, o.Query, func(h audit.Hit) error { return writeLine(out, h.Line) }); err != nil {
		return err
	}
	for i, f := range logs {
		printCovered(log, paths[i], f.First(), f.Size())
	}
	return nil
}

// printCovered says which lines a log has.
func printCovered(log io.Writer, name string, first, end int64) {
	if first > 0 {
		printf(log, "covered: %s, lines %d to %d; older lines were deleted because of their age\n", name, first+1, end)
		return
	}
	printf(log, "covered: %s, %d lines\n", name, end)
}

// writeLine prints a line of a log.
func writeLine(out io.Writer, line []byte) error { return writeJSON(out, string(line)) }

func auditTailCommand() *cobra.Command {
	var o logSource
	var n int64
	var follow bool
	c := &cobra.Command{
		Use:   "tail [--data DIR | --log FILE]",
		Short: "Print the newest events of a log",
		Long: `Print the newest events of one log, as lines of JSON. With --follow, go on with new events.

Without --data and --log, a server reads its log. The credentials must belong to the
deployment's account, and have the permission keyhold:QueryAudit. Each request of the command
is an event too.`,
		Example: `  keyhold audit tail --data /var/lib/keyhold --lines 20 --follow`,
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if n < 0 {
				return usageError{errors.New("--lines must not be negative")}
			}
			if err := o.check(); err != nil {
				return err
			}
			if o.asksServer() {
				at, err := o.client.connect(c.Context(), printer{c.ErrOrStderr()})
				if err != nil {
					return err
				}
				return at.tailAudit(c.Context(), n, follow, c.OutOrStdout(), c.ErrOrStderr())
			}
			path, err := o.only("keyhold audit tail")
			if err != nil {
				return err
			}
			return runAuditTail(c.Context(), path, n, follow, c.OutOrStdout())
		},
	}
	o.flags(c)
	c.Flags().Int64Var(&n, "lines", 10, "number of events")
	c.Flags().BoolVar(&follow, "follow", false, "wait for new events, and print them")
	return c
}

// followEvery is how often keyhold audit tail looks for new events.
const followEvery = 500 * time.Millisecond

func runAuditTail(ctx context.Context, path string, n int64, follow bool, out io.Writer) error {
	next := int64(-1)
	for {
		f, err := audit.OpenFolder(path)
		if err != nil {
			return err
		}
		if next < 0 {
			next = max(f.First(), f.Size()-n)
		}
		if err := writeLines(out, f.Lines(ctx, next)); err != nil {
			return err
		}
		next = f.Size()
		if !follow {
			return nil
		}
		select {
		case <-time.After(followEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

func writeLines(out io.Writer, lines iter.Seq2[[]byte, error]) error {
	for line, err := range lines {
		if err == nil {
			err = writeLine(out, line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
