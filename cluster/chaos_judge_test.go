package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// A chaosObject is an object and the history of all requests for it.
type chaosObject struct {
	object
	initial any
	listed  string // the answer to the last List request

	mu      sync.Mutex
	history []porcupine.Operation
}

// request sends one request and notes its answer.
func (s *scenario) request(o *chaosObject, node int, r request) (answer string) {
	var id string
	called := s.tick()
	answer = o.send(context.WithValue(s.Context(), requestID{}, &id), s.clients[node], r)
	returned := s.tick()
	name, _, _ := strings.Cut(answer, ":")
	switch {
	case name == answerUnknown && !isRead(r.operation):
		returned = math.MaxInt64
	case name == answerUnknown:
		name = answerNotMade
	case name != answerNotMade && id != "":
		s.answer(id, r)
	}
	kind := name
	if kind != answerUnknown && kind != answerNotMade && !strings.HasSuffix(kind, "Exception") {
		kind = answerMade
	}
	s.count("answers: " + kind)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.history = append(o.history, porcupine.Operation{Input: r, Output: name, Call: called, Return: returned})
	if answer != name {
		s.Logf("%s: %s", r.operation, answer)
	}
	return name
}

func (s *scenario) answer(id string, r request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answered[id] = r
}

// judge looks at an object with a last request of each kind that only looks, and checks its history.
func (s *scenario) judge(o *chaosObject) {
	s.Helper()
	for _, operation := range strings.Fields("Encrypt ListGrants DescribeKey ListKeyRotations Decrypt") {
		if !strings.Contains(o.operations(), operation) {
			continue
		}
		answer := answerNotMade
		for try := 0; answer == answerNotMade && try < 30; try++ {
			if try > 0 {
				time.Sleep(200 * time.Millisecond)
			}
			answer = s.request(o, s.n(len(s.clients)), request{operation, "", fmt.Sprintf("%d-judge-%d", s.seed, try)})
		}
		if answer == answerNotMade {
			s.Errorf("%s is not answered", operation)
		}
		if strings.HasPrefix(operation, "List") {
			o.listed = answer
		}
	}
	s.retry(o, func(c client) error { return o.last(s.Context(), c) })
	switch porcupine.CheckOperationsTimeout(o.model(), o.operationsOf(), time.Minute) {
	case porcupine.Illegal:
		s.Errorf("not linearizable: %T%s", o.object, o)
	case porcupine.Unknown:
		s.count("histories that were not judged in a minute")
	}
}

// retry does something with an object at one node after the other, until a node answers.
func (s *scenario) retry(o *chaosObject, do func(client) error) {
	s.Helper()
	for try := 0; ; try++ {
		err := do(s.clients[try%len(s.clients)])
		if err == nil {
			return
		}
		if try == 30 || !isUnknown(err) {
			s.Errorf("at the end: %v: %T%s", err, o.object, o)
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// isUnknown reports whether an error is about the deployment, and not about the object.
func isUnknown(err error) bool {
	if a, ok := errors.AsType[wrongAnswer](err); ok {
		return a == answerUnknown || a == answerNotMade
	}
	return answerOf(err) == answerUnknown
}

// model returns the model of an object for the checker. A request that fails has no effect.
func (o *chaosObject) model() porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{o.initial} },
		Step: func(state, input, output any) []any {
			expected, next := o.after(state, input.(request))
			switch output {
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

// isUse reports whether an operation uses an object.
func isUse(operation string) bool { return operation == "Encrypt" || operation == "Decrypt" }

func isRead(operation string) bool {
	return isUse(operation) || slices.Contains(strings.Fields("DescribeKey ListGrants ListKeyRotations"), operation)
}

// operationsOf returns the history for the checker.
func (o *chaosObject) operationsOf() (all []porcupine.Operation) {
	for _, op := range o.history {
		if op.Output != answerNotMade || !isRead(op.Input.(request).operation) {
			all = append(all, op)
		}
	}
	return all
}

func (o *chaosObject) String() string {
	var text strings.Builder
	for _, op := range o.history {
		r := op.Input.(request)
		fmt.Fprintf(&text, "\n%d-%d [%s] %s %s: %s", op.Call, op.Return, r.id, r.operation, r.on, op.Output)
	}
	return text.String()
}

// An event is a line of an audit log.
type event struct {
	EventID, RequestID, EventName, ErrorCode, RecoveredFrom string
	Resources                                               []struct{ ARN string }
}

// judgeEvents checks the logs. Each request that was answered has one event, in one log, or after a takeover also in
// the log of the node that took over. Events and changes are equally many.
func (r *round) judgeEvents() {
	r.Helper()
	byRequest, firsts, made := map[string]map[string]bool{}, map[string]int{}, map[string]map[string]bool{}
	for _, n := range r.nodes {
		seen := map[string]bool{}
		for _, e := range r.events(n) {
			if seen[e.EventID] {
				r.Errorf("the log of %s has the event %s twice", n.name, e.EventID)
			}
			seen[e.EventID] = true
			if e.RecoveredFrom == "" {
				firsts[e.EventID]++
			} else {
				r.counts["events that another node wrote"]++
			}
			add(byRequest, e.RequestID, e.EventID)
			if e.ErrorCode == "" && len(e.Resources) > 0 {
				add(made, e.EventName+" "+e.Resources[0].ARN[strings.LastIndex(e.Resources[0].ARN, "/")+1:], e.EventID)
			}
		}
	}
	for id, n := range firsts {
		if n > 1 {
			r.Errorf("%d logs have the event %s, and do not say that they took it over", n, id)
		}
	}
	for id, q := range r.answered {
		if n := len(byRequest[id]); n != 1 {
			r.Errorf("the request %s, %s %s, has %d events", id, q.id, q.operation, n)
		}
	}
	counts := map[string]int{}
	for name, ids := range made {
		counts[name] = len(ids)
	}
	keys := 0
	for name, n := range counts {
		if strings.HasPrefix(name, "CreateKey ") {
			keys += n
		}
	}
	if keys != r.keys {
		r.Errorf("%d keys, and %d events of new keys", r.keys, keys)
	}
	for _, o := range r.objects {
		if err := o.check(o.listed, counts); err != nil {
			r.Errorf("%v%s", err, o)
		}
	}
	r.counts["requests whose events were found"] += len(r.answered)
}

// countKeys returns the number of keys of the deployment.
func (r *round) countKeys() (n int) {
	r.Helper()
	for pages := kms.NewListKeysPaginator(r.clients[0].root, &kms.ListKeysInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(r.Context())
		if err != nil {
			r.Fatal(err)
		}
		n += len(page.Keys)
	}
	return n
}

func add(sets map[string]map[string]bool, to, what string) {
	if sets[to] == nil {
		sets[to] = map[string]bool{}
	}
	sets[to][what] = true
}

func (r *round) events(n *keptNode) (all []event) {
	r.Helper()
	text, err := os.ReadFile(filepath.Join(r.dir, n.name, "audit.log"))
	if err != nil {
		r.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			r.Fatalf("%s: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}
