package policy

import (
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// A tracer records the results of an evaluation. Methods of a nil tracer do nothing.
type tracer struct {
	to         Explanation
	conditions []ExplainedCondition // of the current statement
}

// document starts a document.
func (t *tracer) document(role Role, d *Document) {
	if t == nil {
		return
	}
	t.to.Documents = append(t.to.Documents, ExplainedDocument{Role: role, Name: d.Name})
}

// statement records the result of a statement.
func (t *tracer) statement(s *statement, missed string) {
	if t == nil {
		return
	}
	effect := "Allow"
	if s.deny {
		effect = "Deny"
	}
	d := &t.to.Documents[len(t.to.Documents)-1]
	d.Statements = append(d.Statements, ExplainedStatement{
		Sid: s.sid, Index: s.index, Line: s.line, Column: s.column, Effect: effect,
		Matched: missed == "", Missed: missed, Conditions: t.conditions,
	})
	t.conditions = nil
}

// condition records the result of a condition.
func (t *tracer) condition(c *condition, values []string, is outcome) {
	if t == nil {
		return
	}
	var seen []string
	for _, v := range values {
		seen = append(seen, strings.Clone(v)) // otherwise the values of every decision would escape to the heap
	}
	t.conditions = append(t.conditions, ExplainedCondition{
		Operator: c.spelled, Key: c.keyName, Wanted: slices.Clone(c.values), Seen: seen,
		Held: is == yes, Problem: c.problem(values, is),
	})
}

// problem explains an unclear outcome.
func (c *condition) problem(values []string, is outcome) string {
	switch {
	case is != unclear:
		return ""
	case c.operator.compares == "":
		return "unknown operator"
	case c.key.origin != listed && values == nil:
		return "unknown condition key"
	case c.operator.over == theOne && len(values) > 1:
		return "several values, but the operator is for one"
	}
	return "a variable with several values, or a comparison beyond the work limit"
}

// grant records the result of a grant.
func (t *tracer) grant(g *key.Grant, missed string) {
	if t == nil {
		return
	}
	t.to.Grants = append(t.to.Grants, ExplainedGrant{ID: g.ID, Allowed: missed == "", Missed: missed})
}
