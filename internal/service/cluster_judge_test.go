package service_test

import (
	"fmt"
	"io"
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
	if porcupine.CheckOperationsTimeout(o.model(), o.history, time.Minute) != porcupine.Ok {
		s.Errorf("not linearizable: %T%s", o.clusterObject, o)
	}
}

// model returns the model of an object for the checker. A request that fails has no effect. Every other answer follows
// from the one state that the object had at a moment between the request and the answer.
func (o *sharedObject) model() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{o.initial} },
		Step: func(state, input, output any) []any {
			expected, next := o.after(state, input.(clusterRequest))
			switch output.(string) {
			case answerNotMade:
				return []any{state}
			case answerUnknown:
				return []any{state, next}
			case expected:
				return []any{next}
			}
			return nil
		},
	}
	return model.ToModel()
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
