package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/keyhold/keyhold/internal/api"
)

// A decisionReport is an explanation for people.
type decisionReport struct{ api.ExplainDecisionResponse }

func (r decisionReport) text() string {
	var b strings.Builder
	if r.Request != nil {
		r.printRequest(&b)
	}
	for _, d := range r.Decisions {
		printDecision(&b, r.PrincipalArn, d)
	}
	if len(r.Notes) > 0 {
		fmt.Fprintln(&b, "Notes")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "  - %s\n", n)
	}
	return strings.TrimSuffix(b.String(), "\n") + "\n"
}

// printRequest tells how a past request ended.
func (r decisionReport) printRequest(w io.Writer) {
	p := r.Request
	fmt.Fprintf(w, "Request %s: %s in %s, from %s, at %s\n", p.RequestId, r.Operation, r.Region, p.SourceIp, p.EventTime)
	then := "it was carried out"
	if p.ErrorCode != nil {
		then = strings.TrimSuffix(*p.ErrorCode+": "+deref(p.ErrorMessage), ": ")
	}
	fmt.Fprintf(w, "  then      %s\n\n", then)
}

func printDecision(w io.Writer, principal string, d api.ExplainedDecision) {
	fmt.Fprintf(w, "%s by %s\n", d.Action, principal)
	for _, line := range [][2]string{{"on", d.Resource}, {"decision", decisionText(d)}, {"by", decidedBy(d)}, {"is told", told(d)}} {
		if line[1] != "" {
			fmt.Fprintf(w, "  %-8s  %s\n", line[0], line[1])
		}
	}
	fmt.Fprintln(w)
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

// decidedBy names what decides.
func decidedBy(d api.ExplainedDecision) string {
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

func told(d api.ExplainedDecision) string {
	if d.ErrorCode == nil {
		return ""
	}
	return *d.ErrorCode + ": " + deref(d.ErrorMessage)
}

// printDocument prints a line for each statement, and one for each condition.
func printDocument(w io.Writer, doc api.ExplainedDocument) {
	fmt.Fprintf(w, "  %s (%s)\n", doc.Name, doc.Role)
	if doc.Withheld {
		fmt.Fprintln(w, "    its account alone may see it")
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range doc.Statements {
		fmt.Fprintf(table, "    %d:%d\t%s\t%s\t%s\n", s.Line, s.Column, s.Effect, cmp.Or(s.Sid, "-"), matchText(s.Missed))
	}
	table.Flush()
	for _, s := range doc.Statements {
		printConditions(w, s)
	}
	fmt.Fprintln(w)
}

// matchText says whether something matches, or what of it does not.
func matchText(missed string) string {
	if missed == "" {
		return "matches"
	}
	return "does not match: " + missed
}

func printConditions(w io.Writer, s api.ExplainedStatement) {
	if len(s.Conditions) == 0 {
		return
	}
	fmt.Fprintf(w, "    conditions at %d:%d\n", s.Line, s.Column)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range s.Conditions {
		holds := "does not hold"
		switch {
		case c.Problem != "":
			holds = "unclear, so it denies and does not allow: " + c.Problem
		case c.Held:
			holds = "holds"
		}
		fmt.Fprintf(table, "      %s\t%s\twants %s\tsaw %s\t%s\n", c.Operator, c.Key, values(c.Wanted), values(c.Seen), holds)
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

func printGrants(w io.Writer, d api.ExplainedDecision) {
	if d.GrantsRead == 0 {
		return
	}
	fmt.Fprintf(w, "  grants that may be for the principal: %d\n", d.GrantsRead)
	for _, g := range d.Grants {
		fmt.Fprintf(w, "    %s  %s\n", g.GrantId, matchText(g.Missed))
	}
	if more := d.GrantsRead - len(d.Grants); more > 0 {
		fmt.Fprintf(w, "    and %d more that do not match\n", more)
	}
	fmt.Fprintln(w)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
