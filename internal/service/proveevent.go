package service

import (
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/key"
)

// ProveEvent proves that an event is in the audit log of this node. It is not part of the KMS API.
var proveEvent = query("ProveEvent", asks{{Action: "keyhold:ProveEvent", May: mayInDeployment}}, checkProveEvent,
	func(c *call, in *api.ProveEventRequest) (*api.ProveEventResponse, error) {
		part, err := c.auditPart(in.Marker, func(first, _ int64) (int64, error) {
			if in.Index != nil {
				return *in.Index, nil
			}
			earliest, err := c.earliest(*in.EventId)
			return max(first, earliest), err
		})
		if err != nil {
			return nil, err
		}
		bounds := auditBounds
		bounds.Events = 1
		if in.Index != nil {
			bounds.Scanned = 1
		}
		p, err := c.readAudit(part, audit.Query{Event: *in.EventId}, bounds)
		if err != nil {
			return nil, err
		}
		out := &api.ProveEventResponse{Log: part.log}
		if len(p.Lines) == 0 && in.Index == nil {
			out.NextMarker, out.Truncated = part.next(p)
		}
		if out.Truncated {
			return out, nil
		}
		return out, c.prove(out, p.Lines)
	})

func checkProveEvent(in *api.ProveEventRequest, _ time.Time) error {
	if in.Index != nil && in.Marker != nil {
		return key.Errorf(key.KindValidation, "Give at most one of Index and Marker.")
	}
	return nil
}

// earliest returns the index of a line in front of which the event with an ID cannot be: the ID has the time of the
// event (RFC 9562, version 7).
func (c *call) earliest(eventID string) (int64, error) {
	id, err := uuid.Parse(eventID)
	if err != nil || id.Version() != 7 {
		return 0, nil
	}
	index, err := c.audit.FirstAfter(time.Unix(id.Time().UnixTime()))
	return index, refuseAudit(err)
}

// prove adds the event and its proof to the answer.
func (c *call) prove(out *api.ProveEventResponse, found []audit.Line) error {
	if len(found) == 0 {
		return key.Errorf(key.KindNotFound, "There is no such event in the log %s, the log of this node.", out.Log.Origin)
	}
	if found[0].Line == nil {
		return key.Errorf(key.KindLimitExceeded, "The line of the event is too long for a response.")
	}
	proof, err := c.audit.Prove(found[0])
	if err != nil {
		return refuseAudit(err)
	}
	out.Event, out.Proof = new(auditEvent(found[0])), &proof
	return nil
}
