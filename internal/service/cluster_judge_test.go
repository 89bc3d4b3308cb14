package service_test

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/keyhold/keyhold/internal/integrity"
)

// end ends all nodes, opens the deployment with a node that has seen nothing, and looks at everything.
func (s *sharedScenario) end() {
	s.Helper()
	for _, n := range s.all() {
		n.net.Cut(slices.Contains(s.gone, n))
		n.close()
	}
	j := &sharedNode{clusterNode: must[*clusterNode](s.T)(s.d.node(s.T, "judge", s.d.backend, s.sharing))}
	j.SleepInBubble()
	for _, n := range s.all() {
		if err := j.TakeOver(s.Context(), n.id); err != nil {
			s.Error(err)
		}
	}
	s.release() // commits of nodes that are fenced
	time.Sleep(time.Minute)
	for i, o := range s.objects {
		s.judge(j, i, o)
	}
	j.close()
	if n := s.d.outbox(s.T); n != 0 {
		s.Errorf("%d records are in the outbox", n)
	}
	s.judgeEvents(j)
	_, err := integrity.Verify(s.Context(), integrity.Remains{
		Backend: s.d.backend, Slots: s.d.slots, Root: s.d.root, Log: io.NewSectionReader(strings.NewReader(""), 0, 0),
	}, func(f integrity.Finding) { s.Errorf("keyhold verify: %s", f) })
	if err != nil {
		s.Error(err)
	}
}

// judge looks at an object with a last request of each kind that only looks, and checks its history.
func (s *sharedScenario) judge(j *sharedNode, i int, o *sharedObject) {
	s.Helper()
	for r, operation := range strings.Fields("Encrypt ListGrants DescribeKey ListKeyRotations Decrypt") {
		if strings.Contains(o.operations(), operation) {
			s.request(j, o, operation, fmt.Sprintf("%d-judge-%d", i, r))
		}
	}
	if porcupine.CheckOperationsTimeout(o.model(), o.operationsOf(), time.Minute) != porcupine.Ok {
		s.Errorf("not linearizable: %T%s", o.clusterObject, o)
	}
}

// A link is a state, and the request that led to it.
type link struct {
	by    string
	state any
}

// A chain is what the nodes may know of an object. The last state is in the store; the earlier ones may be in the
// memory of a node, because no change that followed is acknowledged.
type chain []link

// An acknowledgement is the input of an operation of the checker: from now on, no node knows a state from before a
// change.
type acknowledgement struct{ of string }

// model returns the model of an object for the checker. A request that fails has no effect. Successful uses of an
// object may be answered from any state of the chain; refusals, changes and descriptions from the last one only.
func (o *sharedObject) model() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init:  func() []any { return []any{chain{{state: o.initial}}} },
		Equal: func(a, b any) bool { return slices.Equal(a.(chain), b.(chain)) },
		Step: func(state, input, output any) []any {
			c := state.(chain)
			if a, ok := input.(acknowledgement); ok {
				return []any{c.without(a.of)}
			}
			return c.after(o, input.(clusterRequest), output.(string))
		},
	}
	return model.ToModel()
}

// without drops the states from before a change.
func (c chain) without(change string) chain {
	if i := slices.IndexFunc(c, func(l link) bool { return l.by == change }); i >= 0 {
		return c[i:]
	}
	return c // a later change was acknowledged before
}

// after returns the chains that are possible after a request with an answer.
func (c chain) after(o *sharedObject, r clusterRequest, answer string) []any {
	last := c[len(c)-1].state
	expected, state := o.after(last, r)
	next := c
	if state != last || !isUse(r.operation) {
		next = append(slices.Clip(c), link{r.id, state})
	}
	switch {
	case answer == answerNotMade:
		return []any{c}
	case answer == answerUnknown:
		return []any{c, next}
	case answer == expected:
		return []any{next}
	case !isUse(r.operation) || isRefusal(answer):
		return nil
	}
	if g, ok := last.(stageState); ok && r.operation == "AssumeRole" {
		g.sessions = g.sessions.with(r.id) // of a role that is disabled already
		next = append(slices.Clip(c), link{r.id, g})
	}
	for _, earlier := range c {
		if expected, _ := o.after(earlier.state, r); answer == expected {
			return []any{c, next}
		}
	}
	return nil
}

// isUse reports whether an operation is decided from memory.
func isUse(operation string) bool {
	return slices.Contains(strings.Fields("Encrypt Decrypt AssumeRole"), operation)
}

func isRefusal(answer string) bool {
	return answer == answerGone || strings.HasSuffix(answer, "Exception")
}

// onlyAdd are the changes that are acknowledged although nodes may have memory from before them.
var onlyAdd = strings.Fields("CreateAlias CreateGrant EnableKey")

// operationsOf returns the history for the checker, with the acknowledgements of changes.
func (o *sharedObject) operationsOf() (all []porcupine.Operation) {
	for _, op := range o.history {
		r := op.Input.(clusterRequest)
		op.Call *= 2
		if op.Return != math.MaxInt64 {
			op.Return *= 2
		}
		all = append(all, op)
		if op.Output == answerMade && !isUse(r.operation) && !slices.Contains(onlyAdd, r.operation) {
			all = append(all, porcupine.Operation{Input: acknowledgement{r.id}, Output: "", Call: op.Return + 1, Return: op.Return + 1})
		}
	}
	return all
}

func (o *sharedObject) String() string {
	var text strings.Builder
	for _, op := range o.history {
		r := op.Input.(clusterRequest)
		fmt.Fprintf(&text, "\n%d-%d [%s] %s %s: %s", op.Call, op.Return, r.id, r.operation, r.on, op.Output)
	}
	return text.String()
}

// judgeEvents checks the logs: each change that was made has one event, in one log or in several under one ID. A
// change that was not made has none.
func (s *sharedScenario) judgeEvents(j *sharedNode) {
	s.Helper()
	events := map[string][]string{}
	for _, n := range append(s.all(), j) {
		for request, ids := range n.events.changes(s.T) {
			if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
				s.Errorf("request %s has an event twice in the log of %s: %q", request, n.id, ids)
			}
			events[request] = append(events[request], ids...)
		}
	}
	for _, o := range s.objects {
		for _, op := range o.history {
			r := op.Input.(clusterRequest)
			if p, _ := j.Find(r.operation); p.Name != r.operation || p.ReadOnly {
				continue
			}
			ids := events[r.id]
			n := len(slices.Compact(slices.Sorted(slices.Values(ids))))
			if n > 1 || op.Output == answerMade && n != 1 || op.Output != answerMade && op.Output != answerUnknown && n != 0 {
				s.Errorf("request %s was %s and has the events %q", r.id, op.Output, ids)
			}
		}
	}
}
