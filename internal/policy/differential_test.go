package policy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/policy/naive"
)

// The engine and the naive evaluator, written independently, decide alike. KEYHOLD_DECISIONS is the number of
// random requests, and KEYHOLD_SEED the seed.
func TestDecisionsAreTheNaiveOnes(t *testing.T) {
	n, seed := number(t, "KEYHOLD_DECISIONS", 20_000), number(t, "KEYHOLD_SEED", rand.Uint64())
	t.Logf("%d requests, of the seed %d", n, seed)
	workers := uint64(runtime.GOMAXPROCS(0))
	found := make(chan finding, workers)
	for w := range workers {
		go func() { found <- compare(t.Context(), seed, w, n, workers) }()
	}
	seen := counts{}
	for range workers {
		f := <-found
		if f.disagreement != "" {
			t.Fatalf("the seed %d: %s", seed, f.disagreement)
		}
		for kind, n := range f.seen {
			seen[kind] += n
		}
	}
	t.Logf("0 disagreements")
	seen.check(t, (n-1)/sampleInterval(n)+1)
}

// A finding has the counts of some requests, or the first disagreement.
type finding struct {
	seen         counts
	disagreement string
}

// compare evaluates the requests from one number to another, in steps, with both.
func compare(ctx context.Context, seed, from, to, step uint64) finding {
	seen := counts{}
	for i := from; i < to && ctx.Err() == nil; i += step {
		q := randomQuestion(rand.New(rand.NewPCG(seed, i)))
		if _, err := q.documents(); err != nil {
			return finding{disagreement: fmt.Sprintf("request %d has a document that is refused: %v\n%s", i, err, q.text())}
		}
		if difference(q) != "" {
			q = shrink(q)
			return finding{disagreement: fmt.Sprintf("request %d: %s\n%s", i, difference(q), q.text())}
		}
		if i%sampleInterval(to) == 0 {
			seen.add(q)
		}
	}
	return finding{seen: seen}
}

// sampleInterval returns the interval at which requests are counted, because counting all of them would take as long
// as comparing.
func sampleInterval(n uint64) uint64 { return max(1, n/20_000) }

// number returns a number from the environment.
func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// A question is a request with everything that determines its decision, in a form that is readable as JSON.
type question struct {
	Principal  policy.Principal
	Action     string
	Resource   string
	Owner      string
	Time       time.Time
	Values     values            `json:",omitempty"`
	HasContext bool              `json:",omitempty"`
	Context    map[string]string `json:",omitempty"`
	Child      *key.Grant        `json:",omitempty"`
	ResourceIs string            `json:",omitempty"` // "key" or "trust"
	Policy     map[string]any    `json:",omitempty"` // policy of the resource
	Identity   []map[string]any  `json:",omitempty"`
	Boundary   map[string]any    `json:",omitempty"`
	Session    []map[string]any  `json:",omitempty"`
	Grants     []key.Grant       `json:",omitempty"`
}

type values map[string][]string

func (v values) Values(name string) []string { return v[name] }

// A verdict is the decision of both evaluators.
type verdict struct{ allowed, explicit bool }

func (v verdict) String() string {
	switch {
	case v.allowed:
		return "allowed"
	case v.explicit:
		return "explicitly denied"
	}
	return "implicitly denied"
}

// difference describes how the engine and the naive evaluator disagree, or returns "".
func difference(q question) string {
	ask := func(decide func(question) verdict) (answer string) {
		defer func() {
			if p := recover(); p != nil {
				answer = fmt.Sprint("panic: ", p)
			}
		}()
		return decide(q).String()
	}
	engine, plain := ask(question.engine), ask(question.naive)
	if engine == plain {
		return ""
	}
	return "engine: " + engine + ", naive: " + plain
}

func (q question) engine() verdict {
	documents, err := q.documents()
	if err != nil {
		panic(err)
	}
	d := policy.Decide(q.request(), documents, q.Grants)
	return verdict{d.Allowed, d.Explicit}
}

func (q question) naive() verdict {
	t := naive.Texts{Resource: encodeDocument(q.Policy), ResourceIs: q.ResourceIs, Boundary: encodeDocument(q.Boundary)}
	for _, d := range q.Identity {
		t.Identity = append(t.Identity, encodeDocument(d))
	}
	for _, d := range q.Session {
		t.Session = append(t.Session, encodeDocument(d))
	}
	allowed, explicit := naive.Decide(q.request(), t, q.Grants)
	return verdict{allowed, explicit}
}

func (q question) request() policy.Request {
	r := policy.Request{
		Principal: q.Principal, Action: q.Action, Resource: q.Resource, Owner: q.Owner, Time: q.Time,
		EncryptionContext: q.Context, HasContext: q.HasContext, Child: q.Child,
	}
	if q.Values != nil {
		r.Values = q.Values
	}
	return r
}

// documents compiles the documents with the engine.
func (q question) documents() (policy.Documents, error) {
	kind := policy.KeyPolicy
	if q.ResourceIs == "trust" {
		kind = policy.TrustPolicy
	}
	var d policy.Documents
	var err error
	if d.Resource, err = parseDocument(q.Policy, kind); err != nil {
		return d, err
	}
	if d.Boundary, err = parseDocument(q.Boundary, policy.IdentityPolicy); err != nil {
		return d, err
	}
	if d.Identity, err = parseDocuments(q.Identity); err != nil {
		return d, err
	}
	d.Session, err = parseDocuments(q.Session)
	return d, err
}

func parseDocument(document map[string]any, kind policy.Type) (policy.Document, error) {
	if document == nil {
		return policy.Document{}, nil
	}
	p, err := policy.Parse(encodeDocument(document), kind)
	return policy.Document{Name: "document", Policy: p}, err
}

func parseDocuments(documents []map[string]any) ([]policy.Document, error) {
	var all []policy.Document
	for _, document := range documents {
		d, err := parseDocument(document, policy.IdentityPolicy)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// encodeDocument returns a document as JSON, or "" if there is none.
func encodeDocument(document map[string]any) string {
	if document == nil {
		return ""
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// text formats the question for people.
func (q question) text() string {
	text, err := json.MarshalIndent(q, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(text)
}
