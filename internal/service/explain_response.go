package service

import (
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// response returns the response that describes the decisions.
func (h *hypothesis) response() *api.ExplainDecisionResponse {
	out := &api.ExplainDecisionResponse{
		Decisions: []api.ExplainedDecision{}, Notes: []string{}, Request: h.past,
		Operation: h.Operation.Name, PrincipalArn: h.Caller.Principal.ARN, Region: h.Caller.Region,
	}
	for i := range h.trace.answers {
		a := view{h, &h.trace.answers[i]}
		out.Decisions = append(out.Decisions, a.decision())
		if a.asksFor("aws:SecureTransport") {
			h.note("aws:SecureTransport has the value of this request, because the value of the explained request is not known.")
		}
	}
	out.Notes = append(out.Notes, h.notes...)
	return out
}

// A view is an answer, limited to what the account that receives the explanation may see.
type view struct {
	h *hypothesis
	*answer
}

// isForeign reports whether the key belongs to another account. The view then shows neither the
// policy and grants of the key nor, unless the decision reveals it, whether the key exists.
func (a view) isForeign() bool { return a.target.isKey() && a.target.ref.Account != a.h.to }

// isMissing reports whether the key does not exist and the account may know that.
func (a view) isMissing() bool { return a.target.isKey() && a.key.ID == "" && !a.isForeign() }

// isForAccount reports whether the operation refuses all principals of other accounts than the
// account of the key, before any policy is read.
func (a view) isForAccount() bool {
	return a.open == nil && a.key.ID != "" && a.h.isForeign()
}

// explanation returns the explanation that the view shows. A refusal by another account is
// explained by the decision for callers who may not see the key.
func (a view) explanation() *policy.Explanation {
	switch {
	case a.err == nil || !a.isForeign():
		return a.decisive()
	case a.blind != nil:
		return a.blind
	}
	return &policy.Explanation{}
}

func (a view) decision() api.ExplainedDecision {
	d := api.ExplainedDecision{
		Action: a.action, Resource: a.target.ref.ARN(), Outcome: a.outcome(), By: a.by(),
		Documents: a.documents(), Grants: []api.ExplainedGrant{},
	}
	if a.err == nil || !a.isForeign() {
		d.Resource = a.target.arn(a.key)
	}
	if d.Resource == "" {
		d.Resource = "*"
	}
	d.Reason = a.reason(d.Outcome)
	if !a.isForeign() {
		d.GrantsRead = a.grants
		for _, g := range a.explanation().Grants {
			d.Grants = append(d.Grants, api.ExplainedGrant{Allowed: g.Allowed, GrantId: g.ID, Missed: g.Missed})
		}
	}
	if a.err != nil && !a.h.isForeign() {
		code, message := a.h.Operation.errorOf(a.err)
		d.ErrorCode, d.ErrorMessage = &code, &message
	}
	return d
}

func (a view) outcome() string {
	e, isNotFound := a.explanation(), false
	if refusal, ok := a.err.(*key.Error); ok {
		isNotFound = refusal.Kind == key.KindNotFound
	}
	switch {
	case a.err == nil:
		return api.OutcomeAllowed
	case isNotFound, a.isMissing():
		return api.OutcomeNotFound
	case e.Explicit:
		return api.OutcomeExplicitDeny
	case a.h.isForeign() && a.open != nil && e.Cause == policy.IdentityBased:
		return api.OutcomeOtherAccount
	}
	return api.OutcomeImplicitDeny
}

// reason returns the reason of a decision, in the words of the API if the API has words for it.
func (a view) reason(outcome string) string {
	_, message := a.h.Operation.errorOf(a.err)
	switch d := a.explanation().Decision; {
	case outcome == api.OutcomeAllowed:
		return ""
	case d.Allowed && !a.target.isKey(): // a rule besides the policies refuses
		return message
	case a.isMissing():
		return "there is no such key: what the principal is told depends on its own policies alone"
	case outcome == api.OutcomeNotFound:
		return message
	case a.isForAccount():
		return "because only principals of the key's account can do this, regardless of policies"
	case outcome == api.OutcomeOtherAccount:
		account := a.h.Caller.Principal.AccountID
		return "if the policies of account " + account + ", which only that account can see, also allow it"
	case d.Allowed: // the caller's policies allow, the policies of the other account do not
		return policy.Decision{Cause: policy.ResourceBased}.Text(a.action)
	default:
		return d.Text(a.action)
	}
}

// by returns the document that allows or denies. A resource without a policy is open to the
// root of its account: no document decides, and by returns nil.
func (a view) by() *api.DecidedBy {
	by := a.explanation().By
	switch {
	case a.isForeign() && by.Grant != "":
		return &api.DecidedBy{Document: "a grant on " + a.target.ref.ARN()}
	case by == policy.Source{}:
		return nil
	case by.Grant != "":
		return &api.DecidedBy{GrantId: &by.Grant}
	case a.isForeign() && by.Role == policy.ResourceBased:
		return &api.DecidedBy{Document: by.Document, Role: string(by.Role)}
	}
	return &api.DecidedBy{Document: by.Document, Role: string(by.Role), Sid: by.Sid, Line: by.Line, Column: by.Column}
}

// documents returns the documents that the decision read. Documents that the account may not
// see are withheld.
func (a view) documents() []api.ExplainedDocument {
	all := []api.ExplainedDocument{}
	if a.isForeign() {
		all = append(all, withheld(policy.ResourceBased, "the key policy of "+a.target.ref.ARN()))
	}
	for _, d := range a.explanation().Documents {
		isStored := d.Name != ""
		if d.Role == policy.ResourceBased && (a.isForeign() || !isStored) {
			continue
		}
		all = append(all, api.ExplainedDocument{Name: d.Name, Role: string(d.Role), Statements: statements(d.Statements)})
	}
	if p := a.h.Caller.Principal; a.h.isForeign() && p.Kind != "Account" {
		all = append(all, withheld(policy.IdentityBased, "the policies of "+p.ARN))
	}
	return all
}

func withheld(role policy.Role, name string) api.ExplainedDocument {
	return api.ExplainedDocument{Name: name, Role: string(role), Statements: []api.ExplainedStatement{}, Withheld: true}
}

func statements(from []policy.ExplainedStatement) []api.ExplainedStatement {
	all := []api.ExplainedStatement{}
	for _, s := range from {
		to := api.ExplainedStatement{
			Sid:        s.Sid,
			Line:       s.Line,
			Column:     s.Column,
			Effect:     s.Effect,
			Matched:    s.Matched,
			Missed:     s.Missed,
			Conditions: []api.ExplainedCondition{},
		}
		for _, c := range s.Conditions {
			to.Conditions = append(to.Conditions, api.ExplainedCondition{
				Operator: c.Operator,
				Key:      c.Key,
				Wanted:   c.Wanted,
				Seen:     append([]string{}, c.Seen...),
				Held:     c.Held,
				Problem:  c.Problem,
			})
		}
		all = append(all, to)
	}
	return all
}

// asksFor reports whether a condition of the decision uses a condition key.
func (a view) asksFor(name string) bool {
	for _, d := range a.explanation().Documents {
		for _, s := range d.Statements {
			for _, c := range s.Conditions {
				if strings.EqualFold(c.Key, name) {
					return true
				}
			}
		}
	}
	return false
}
