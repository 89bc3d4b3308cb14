package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// QueryAudit returns events of the audit log of this node, in pages. It is not part of the KMS API.
var queryAudit = query("QueryAudit", asks{{Action: "keyhold:QueryAudit", May: mayInDeployment}}, checkQueryAudit,
	func(c *call, in *api.QueryAuditRequest) (*api.QueryAuditResponse, error) {
		part, err := c.auditPart(in.Marker, func(first, end int64) (int64, error) {
			if in.Newest != nil {
				return max(first, end-*in.Newest), nil
			}
			return or(in.FirstIndex, first), nil
		})
		if err != nil {
			return nil, err
		}
		bounds := auditBounds
		bounds.Events = int(or(in.Limit, int32(bounds.Events)))
		p, err := c.readAudit(part, auditQuery(in), bounds)
		if err != nil {
			return nil, err
		}
		out := &api.QueryAuditResponse{AlteredIndexes: p.Altered, Events: []api.AuditEvent{}, Log: part.log}
		for _, l := range p.Lines {
			out.Events = append(out.Events, auditEvent(l))
		}
		out.NextMarker, out.Truncated = part.next(p)
		return out, nil
	})

func checkQueryAudit(in *api.QueryAuditRequest, _ time.Time) error {
	given := 0
	for _, is := range []bool{in.Marker != nil, in.FirstIndex != nil, in.Newest != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return key.Errorf(key.KindValidation, "Give at most one of Marker, FirstIndex and Newest.")
	}
	return nil
}

func auditQuery(in *api.QueryAuditRequest) audit.Query {
	q := audit.Query{
		Principal: or(in.Principal, ""), Key: or(in.Key, ""), Operation: or(in.Operation, ""),
		Outcome: or(in.Outcome, ""), Request: or(in.RequestId, ""),
	}
	if in.StartTime != nil {
		q.From = in.StartTime.Time()
	}
	if in.EndTime != nil {
		q.To = in.EndTime.Time()
	}
	return q
}

// auditBounds limit the response and the work of one request. A line has at most twice its length in a response.
var auditBounds = audit.PageBounds{Events: 1000, Bytes: 384 << 10, Scanned: 16 << 20}

// auditing bounds the requests that read the audit log. One request reads at a time, so at most one processor is busy
// with them; the requests that wait are counted by principal.
var auditing = admit.Bounds{Places: 1, PerName: 4, Total: 16}

// An auditPart is the part of the log of this node that a request covers, and how far former requests have read.
type auditPart struct {
	*page
	log  api.AuditLog
	from int64
}

// auditPart returns the part that a request with a marker covers. Without a marker, begin returns the index from which
// the request reads. The end of the part is the end of the log at the first request, so that the events of the requests
// themselves do not make the part grow.
func (c *call) auditPart(
	marker *string, begin func(first, end int64) (int64, error),
) (part auditPart, err error) {
	first, end, err := c.audit.Range()
	if err != nil {
		return part, refuseAudit(err)
	}
	part.log = api.AuditLog{
		Origin: c.audit.Origin(), FirstIndex: first, EndIndex: end, VerifierKey: c.audit.PublicKey(),
	}
	if part.page, err = pageOf(c.Operation.Name, marker, nil, 0, 0); err != nil {
		return part, err
	}
	if marker == nil {
		part.from, err = begin(first, end)
	} else {
		err = part.resume(end)
	}
	if err != nil {
		return part, err
	}
	return part, c.describeAudit(&part.log)
}

// resume reads the marker. newest is the end of the log now.
func (p *auditPart) resume(newest int64) error {
	var origin string
	var end int64
	if n, err := fmt.Sscanf(p.after, "%s %d %d", &origin, &end, &p.from); n != 3 || err != nil ||
		end > newest || p.from > end || p.from < 0 {
		return errMarker()
	}
	if origin != p.log.Origin {
		return key.Errorf(key.KindInvalidMarker, "The marker belongs to the log %s, but this node has the log %s: "+
			"send all requests of a search to one node.", origin, p.log.Origin)
	}
	p.log.EndIndex = end
	return nil
}

// next returns the NextMarker and Truncated of the answer after a page.
func (p *auditPart) next(read audit.Page) (*string, bool) {
	p.more = read.Next < p.log.EndIndex
	p.after = fmt.Sprintf("%s %d %d", p.log.Origin, p.log.EndIndex, read.Next)
	return p.page.next()
}

// mostOtherLogs limits AuditLog.OtherLogs.
const mostOtherLogs = 100

// describeAudit adds the checkpoint of the log, and the other logs of the deployment.
func (c *call) describeAudit(log *api.AuditLog) error {
	signed, err := c.audit.Reader().Checkpoint()
	if err == nil {
		log.Checkpoint = new(string(signed))
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return c.view(func(v *store.View) error {
		all, err := records.AuditLogs.Scan(v, "", "", mostOtherLogs+1)
		for _, r := range all {
			if r.Value.Origin != log.Origin {
				log.OtherLogs = append(log.OtherLogs, r.Value.Origin)
			}
		}
		return err
	})
}

// readAudit reads a page of the log when it is the caller's turn.
func (c *call) readAudit(part auditPart, q audit.Query, b audit.PageBounds) (audit.Page, error) {
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	err := c.auditing.Enter(ctx, payer(&c.Caller.Principal))
	if errors.Is(err, admit.ErrFull) || errors.Is(err, context.DeadlineExceeded) {
		return audit.Page{}, errThrottled()
	}
	if err != nil {
		return audit.Page{}, err
	}
	defer c.auditing.Leave()
	p, err := c.audit.Page(c.ctx, q, part.from, part.log.EndIndex, b)
	return p, refuseAudit(err)
}

func auditEvent(l audit.Line) api.AuditEvent {
	e := api.AuditEvent{Index: l.Index}
	if l.Line != nil {
		e.Line = new(string(l.Line))
	}
	return e
}

// refuseAudit returns an error of the log as the caller gets it.
func refuseAudit(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, audit.ErrNotKept):
		return key.Errorf(key.KindUnsupportedOperation, "This server keeps everything in memory and has no audit log.")
	case errors.Is(err, audit.ErrNoKeys):
		return key.Errorf(key.KindUnsupportedOperation,
			"The audit log has no keys until the server is started on a disk that is not full.")
	case errors.Is(err, audit.ErrNotProvable):
		return key.Errorf(key.KindInvalidState,
			"No checkpoint of the audit log has this event yet. The server signs a checkpoint each minute.")
	}
	return key.Errorf(key.KindInvalidState, "The audit log of this node is damaged or was altered: "+
		"the server's log has the cause, and keyhold audit verify finds each place.").Because(err)
}
