package service

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// pastRequest returns the hypothesis of a past request, with the members that the audit log
// kept.
func (c *call) pastRequest(id string) (*hypothesis, error) {
	e, err := c.findEvent(id)
	if err != nil {
		return nil, err
	}
	op, ok := c.operations[e.EventName]
	if !ok || !op.isExplained() {
		return nil, key.Errorf(key.KindUnsupportedOperation,
			"The request was for %s, which is not an operation of KMS or of administrators: "+
				"decisions of other APIs are not explained.", e.EventName)
	}
	h := &hypothesis{asks: op.asks, to: c.Caller.Principal.AccountID, past: describePast(e)}
	if audit.IsShortened(e.UserIdentity.ARN) || audit.IsShortened(e.UserAgent) {
		return nil, errNotKept("userIdentity.arn or userAgent")
	}
	p, err := c.pastPrincipal(h, e.UserIdentity)
	if err != nil {
		return nil, err
	}
	h.call = c.hypotheticalCall(p, e.AWSRegion, op)
	h.now, h.SourceIP, h.UserAgent, h.Secure = e.EventTime, e.SourceIPAddress, e.UserAgent, c.Secure
	lost, err := op.shape.Recall(e.RequestParameters, h.Input)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.EventID, err)
	}
	if err := h.noteNotKept(lost); err != nil {
		return nil, err
	}
	h.setBlobKey(e)
	h.noteTime()
	return h, h.checkGiven()
}

// findEvent returns the event of a past request that concerns the account of the caller.
func (c *call) findEvent(id string) (audit.Event, error) {
	e, ok, err := c.audit.Find(c.ctx, id)
	switch {
	case errors.Is(err, audit.ErrNotKept):
		return e, key.Errorf(key.KindUnsupportedOperation,
			"This server keeps everything in memory and has no audit log: ask about a principal and an action.")
	case errors.Is(err, audit.ErrUnreadable):
		return e, key.Errorf(key.KindUnsupportedOperation,
			"The request is not in what can be read of the audit log, which has a damaged line: run keyhold verify.",
		).Because(err)
	case err != nil:
		return e, err
	case !ok || !concerns(e, c.Caller.Principal.AccountID):
		return e, key.Errorf(key.KindNotFound, "The newest %d MiB of the audit log have no request %s of account %s. "+
			"A request whose signature was refused is not explained: nobody knows whose it was.%s",
			audit.MaxSearched>>20, id, c.Caller.Principal.AccountID, c.ofThisNode())
	}
	return e, nil
}

// irrelevantParameters are the parameters that no condition key depends on.
var irrelevantParameters = strings.Fields("description document policies policy roots trust")

// noteNotKept adds a note for each parameter that was too long for the audit log. It returns an
// error if the decision may depend on such a parameter.
func (h *hypothesis) noteNotKept(names []string) error {
	for _, name := range names {
		if !slices.Contains(irrelevantParameters, name) {
			return errNotKept("requestParameters." + name)
		}
		h.note("The audit log keeps only the length and the SHA-256 of " + name + ".")
	}
	return nil
}

func errNotKept(what string) error {
	return key.Errorf(key.KindUnsupportedOperation, "The decision cannot be explained from the audit log: "+
		"%s was too long, so the log keeps only the length and the SHA-256. "+
		"Ask about the principal and the action, with the members of the request.", what)
}

// concerns reports whether an account may see an event: because a principal of the account made
// the request, or because the request was about a key of the account.
func concerns(e audit.Event, account string) bool {
	if e.EventType != audit.APICall {
		return false
	}
	for _, r := range e.Resources {
		if r.AccountID == account {
			return true
		}
	}
	return e.RecipientAccountID == account
}

// describePast describes how the past request ended.
func describePast(e audit.Event) *api.PastRequest {
	p := &api.PastRequest{EventTime: timestamp(e.EventTime), RequestId: e.RequestID, SourceIp: e.SourceIPAddress}
	if e.ErrorCode != "" {
		p.ErrorCode, p.ErrorMessage = &e.ErrorCode, &e.ErrorMessage
	}
	return p
}

// pastPrincipal returns the principal that made the past request, with its present policies.
func (c *call) pastPrincipal(h *hypothesis, i audit.Identity) (p identity.Principal, err error) {
	if p, err = c.principalOf(h, i.ARN); err != nil {
		return p, err
	}
	if p.AccountID != h.to {
		h.past.ErrorMessage = nil // only the account of the principal may see the message
		return p, nil
	}
	if p.ID != i.PrincipalID {
		h.note(fmt.Sprintf("The principal named %s now is not the principal that made the request: that one was removed.",
			i.ARN))
	}
	if p.Session != nil {
		p.Session.Issued, p.Session.SourceIdentity = i.Session.Issued, i.Session.SourceIdentity
		if i.Session.FederatedProvider != "" {
			p.Session.Web = &identity.WebIdentity{Provider: i.Session.FederatedProvider}
		}
	}
	return p, nil
}

// setBlobKey sets blobKey, the key that the ciphertext of the past request named, from the
// resources of the event.
func (h *hypothesis) setBlobKey(e audit.Event) {
	named := h.field("KeyId")
	if h.Operation.Name == "ReEncrypt" {
		named = h.field("SourceKeyId")
	}
	if !h.hasMember("CiphertextBlob") || !named.IsNil() || len(e.Resources) == 0 {
		return
	}
	if ref, err := key.ParseKeyReference(e.Resources[0].ARN, h.to, e.AWSRegion); err == nil {
		h.blobKey = ref
	}
}

func (h *hypothesis) noteTime() {
	h.note("The present policies, grants, tags and aliases were used. " +
		"Before a later change the decision may have been different.")
	if h.hasMember("GrantTokens", "GrantToken") {
		h.note("The audit log has no grant tokens: a grant that was found by its token alone is not considered.")
	}
}
