package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/bounded"
)

// request returns the first request of a search.
func (o *auditQueryOptions) request() *api.QueryAuditRequest {
	in := &api.QueryAuditRequest{}
	for _, m := range []struct {
		value string
		to    **string
	}{
		{o.Principal, &in.Principal}, {o.Key, &in.Key}, {o.Operation, &in.Operation}, {o.Outcome, &in.Outcome},
		{o.Request, &in.RequestId},
	} {
		if m.value != "" {
			*m.to = &m.value
		}
	}
	if !o.From.IsZero() {
		in.StartTime = api.NewTimestamp(o.From)
	}
	if !o.To.IsZero() {
		in.EndTime = api.NewTimestamp(o.To)
	}
	return in
}

var errAltered = errors.New("lines of the audit log are not as the server wrote them: " +
	"keyhold audit verify, on the server, finds each of them")

// queryAudit prints the events of the server's log that a request selects, and the
// names of the logs that were searched and that were not.
func (c *connection) queryAudit(ctx context.Context, in *api.QueryAuditRequest, out, log io.Writer) error {
	covered, err := c.printEvents(ctx, in, out, log)
	if covered.Origin != "" {
		printCovered(log, covered.Origin, covered.FirstIndex, covered.EndIndex)
	}
	for _, other := range covered.OtherLogs {
		printf(log, "not covered: %s\n", other)
	}
	return err
}

// printEvents prints the events of all pages of a search.
func (c *connection) printEvents(
	ctx context.Context, in *api.QueryAuditRequest, out, log io.Writer,
) (covered api.AuditLog, err error) {
	ctx, altered := bounded.Streaming(ctx), false
	for {
		var page api.QueryAuditResponse
		if err := c.call(ctx, api.TargetAdmin, "QueryAudit", in, &page); err != nil {
			return covered, err
		}
		covered = page.Log
		for _, e := range page.Events {
			if err := c.printEvent(e, covered.Origin, out, log); err != nil {
				return covered, err
			}
		}
		for _, index := range page.AlteredIndexes {
			altered = true
			printf(log, "altered: %s, line %d\n", covered.Origin, index+1)
		}
		if page.Truncated && !follows(in.Marker, page.NextMarker) || covered.Origin == "" {
			return covered, c.mismatchError()
		}
		if !page.Truncated && altered {
			return covered, errAltered
		}
		if !page.Truncated {
			return covered, nil
		}
		in.FirstIndex, in.Newest, in.Marker = nil, nil, page.NextMarker
	}
}

func (c *connection) printEvent(e api.AuditEvent, origin string, out, log io.Writer) error {
	if e.Line == nil {
		return printf(log, "too long for a response: %s, line %d\n", origin, e.Index+1)
	}
	return writeLine(out, []byte(*e.Line))
}

// askEvery is how often keyhold audit tail asks a server for new events.
const askEvery = 5 * time.Second

// tailAudit prints the newest n events of the server's log, and later ones.
func (c *connection) tailAudit(ctx context.Context, n int64, follow bool, out, log io.Writer) error {
	in := &api.QueryAuditRequest{Newest: &n}
	for {
		covered, err := c.printEvents(ctx, in, out, log)
		if err != nil || !follow {
			return err
		}
		in = &api.QueryAuditRequest{FirstIndex: &covered.EndIndex}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

// proveEvent returns the line of an event and its proof, which the server makes.
func (c *connection) proveEvent(ctx context.Context, eventID string) (line []byte, proof string, err error) {
	in := &api.ProveEventRequest{EventId: &eventID}
	for {
		var answer api.ProveEventResponse
		if err := c.call(ctx, api.TargetAdmin, "ProveEvent", in, &answer); err != nil {
			return nil, "", err
		}
		switch {
		case answer.Truncated && follows(in.Marker, answer.NextMarker):
			in.Marker = answer.NextMarker
		case answer.Event == nil || answer.Event.Line == nil || answer.Proof == nil:
			return nil, "", fmt.Errorf("prove the event: %w", c.mismatchError())
		default:
			return []byte(*answer.Event.Line), *answer.Proof, nil
		}
	}
}
