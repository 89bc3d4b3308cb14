package service

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// ExplainDecision shows an administrator how the gate decides. It is not part of the KMS API.
// An account sees the policies of its own principals and keys. About another account it learns
// no more than its principals could learn by sending requests.
var explainDecision = query("ExplainDecision", asks{{Action: "keyhold:ExplainDecision"}}, checkExplainDecision,
	func(c *call, in *api.ExplainDecisionRequest) (*api.ExplainDecisionResponse, error) {
		if err := c.explaining.Enter(c.ctx, c.Caller.Principal.AccountID); err != nil {
			return nil, errTooManyExplanations(err)
		}
		defer c.explaining.Leave()
		h, err := c.hypothesis(in)
		if err != nil {
			return nil, err
		}
		if err := h.decide(); err != nil {
			return nil, err
		}
		return h.response(), nil
	})

// explaining bounds the calls of ExplainDecision, each of which may read audit.MaxSearched
// bytes. One call runs at a time; the calls that wait are counted by account.
var explaining = admit.Bounds{Places: 1, PerName: 4, Total: 16}

func errTooManyExplanations(err error) error {
	if errors.Is(err, admit.ErrFull) {
		return key.Errorf(key.KindThrottling,
			"Too many decisions are being explained. Reduce the frequency of your calls.").Because(err)
	}
	return err
}

// hypothesis returns the request that the explanation is about.
func (c *call) hypothesis(in *api.ExplainDecisionRequest) (*hypothesis, error) {
	if in.RequestId != nil {
		return c.pastRequest(*in.RequestId)
	}
	return c.parseHypothesis(in)
}

// checkExplainDecision requires either a past request or the description of a request.
func checkExplainDecision(in *api.ExplainDecisionRequest, _ time.Time) error {
	past := in.RequestId != nil
	given := in.PrincipalArn != nil || in.Action != nil || in.KeyId != nil || in.SourceIp != nil ||
		len(in.EncryptionContext)+len(in.GrantTokens)+len(in.Members) > 0
	if past == given || !past && (in.PrincipalArn == nil || in.Action == nil) {
		return key.Errorf(key.KindValidation,
			"Give either the RequestId of a past request, or a PrincipalArn and an Action with what its request would have.")
	}
	return nil
}

// A hypothesis is a request that the gate decides about and does not carry out.
type hypothesis struct {
	*call
	asks  asks     // the asks of the operation that the explanation covers
	to    string   // the account that receives the explanation
	notes []string // about unknown and ignored parts of the request
	past  *api.PastRequest
}

// isForeign reports whether the principal belongs to another account. Then only the ARN of the
// principal is known.
func (h *hypothesis) isForeign() bool { return h.Caller.Principal.AccountID != h.to }

func (h *hypothesis) note(text string) { h.notes = append(h.notes, text) }

// decide lets the gate decide as about the request itself, up to the first action that is not
// allowed.
func (h *hypothesis) decide() error {
	if err := h.readGrantTokens(); err != nil {
		return err
	}
	var exempt []int
	for _, a := range h.asks {
		if err := h.checkOwn(a); err != nil {
			return err
		}
		before := len(h.trace.answers)
		r, err := h.allowAll(asks{a})
		if err != nil {
			return h.checkDecided(err, len(h.trace.answers) > before)
		}
		exempt = append(exempt, r...)
	}
	if err := h.permitAll(exempt); err != nil {
		h.note("It is refused even so, by the state of the key: " + err.Error())
	}
	return nil
}

// checkDecided returns nil if the request ended with a decision, which can be explained, and otherwise
// the error that ended the request.
func (h *hypothesis) checkDecided(err error, decided bool) error {
	refusal, ok := err.(*key.Error)
	switch {
	case !ok, !decided && h.past == nil:
		return err
	case !decided:
		return key.Errorf(key.KindUnsupportedOperation,
			"There is no decision to explain: what the request was about was not found, or is not in the audit log (%s).",
			refusal)
	}
	return nil
}

// checkOwn rejects a question in which both the principal and the resource belong to other
// accounts.
func (h *hypothesis) checkOwn(a ask) error {
	if !h.isForeign() {
		return nil
	}
	if a.On != nil {
		t, err := a.On(h.call, h.Input)
		if err != nil || t == (target{}) || t.ref.Account == h.to {
			return err
		}
	}
	return key.Errorf(key.KindAccessDenied, "Neither the principal %s nor what %s is about belongs to account %s: "+
		"another account's decisions are explained to that account alone. Name a key of this account by its ARN.",
		h.Caller.Principal.ARN, a.Action, h.to)
}
