package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
)

// A decisionReport prints an explanation for people.
type decisionReport struct{ api.ExplainDecisionResponse }

func (r decisionReport) text() *page {
	b := new(page)
	if r.Request != nil {
		r.printRequest(b)
	}
	for _, d := range r.Decisions {
		printDecision(b, r.PrincipalArn, d)
	}
	if len(r.Notes) > 0 {
		b.printf("Notes\n")
	}
	for _, n := range r.Notes {
		b.printf("  - %s\n", n)
	}
	return b.trim()
}

// printRequest prints a past request and its result.
func (r decisionReport) printRequest(w *page) {
	p := r.Request
	w.printf("Request %s: %s in %s, from %s, at %s\n", p.RequestId, r.Operation, r.Region, p.SourceIp, p.EventTime)
	result := "it was carried out"
	if p.ErrorCode != nil {
		result = strings.TrimSuffix(*p.ErrorCode+": "+deref(p.ErrorMessage), ": ")
	}
	w.printf("  result    %s\n\n", result)
}

func printDecision(w *page, principal string, d api.ExplainedDecision) {
	w.printf("%s by %s\n", d.Action, principal)
	for _, line := range [][2]string{
		{"on", d.Resource}, {"decision", decisionText(d)}, {"by", decider(d)}, {"error", errorText(d)},
	} {
		if line[1] != "" {
			w.printf("  %-8s  %s\n", line[0], line[1])
		}
	}
	w.printf("\n")
	for _, doc := range d.Documents {
		printDocument(w, doc)
	}
	printGrants(w, d)
}

func decisionText(d api.ExplainedDecision) string {
	switch d.Outcome {
	case api.OutcomeAllowed:
		return "allowed"
	case api.OutcomeNotFound:
		return "not found: " + d.Reason
	case api.OutcomeOtherAccount:
		return "allowed " + d.Reason
	}
	return "denied " + d.Reason
}

// decider returns the document or grant that decides.
func decider(d api.ExplainedDecision) string {
	switch by := d.By; {
	case by == nil && d.Outcome == api.OutcomeAllowed:
		return "no policy: the root of an account may do this without one"
	case by == nil:
		return ""
	case by.GrantId != nil:
		return "the grant " + *by.GrantId
	case by.Line == 0:
		return by.Document
	default:
		return fmt.Sprintf("the statement %s at %d:%d of %s", cmp.Or(by.Sid, "without Sid"), by.Line, by.Column, by.Document)
	}
}

func errorText(d api.ExplainedDecision) string {
	if d.ErrorCode == nil {
		return ""
	}
	return *d.ErrorCode + ": " + deref(d.ErrorMessage)
}

// printDocument prints a line for each statement and for each condition.
func printDocument(w *page, doc api.ExplainedDocument) {
	w.printf("  %s (%s)\n", doc.Name, doc.Role)
	if doc.Withheld {
		w.printf("    only its own account may see the content\n")
	}
	table := w.table()
	for _, s := range doc.Statements {
		printf(table, "    %d:%d\t%s\t%s\t%s\n", s.Line, s.Column, s.Effect, cmp.Or(s.Sid, "-"), matchText(s.Missed))
	}
	table.Flush()
	for _, s := range doc.Statements {
		printConditions(w, s)
	}
	w.printf("\n")
}

// matchText reports whether something matches, or which part does not match.
func matchText(missed string) string {
	if missed == "" {
		return "matches"
	}
	return "does not match: " + missed
}

func printConditions(w *page, s api.ExplainedStatement) {
	if len(s.Conditions) == 0 {
		return
	}
	w.printf("    conditions at %d:%d\n", s.Line, s.Column)
	table := w.table()
	for _, c := range s.Conditions {
		holds := "does not hold"
		switch {
		case c.Problem != "":
			holds = "unclear, so the statement may deny but not allow: " + c.Problem
		case c.Held:
			holds = "holds"
		}
		printf(table, "      %s\t%s\twants %s\tsaw %s\t%s\n", c.Operator, c.Key, values(c.Wanted), values(c.Seen), holds)
	}
	table.Flush()
}

func values(all []string) string {
	quoted := make([]string, len(all))
	for i, v := range all {
		quoted[i] = fmt.Sprintf("%q", v)
	}
	return cmp.Or(strings.Join(quoted, ", "), "nothing")
}

func printGrants(w *page, d api.ExplainedDecision) {
	if d.GrantsRead == 0 {
		return
	}
	w.printf("  grants that may be for the principal: %d\n", d.GrantsRead)
	for _, g := range d.Grants {
		w.printf("    %s  %s\n", g.GrantId, matchText(g.Missed))
	}
	if more := d.GrantsRead - len(d.Grants); more > 0 {
		w.printf("    and %d more that do not match\n", more)
	}
	w.printf("\n")
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
