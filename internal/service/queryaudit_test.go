package service

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/note"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/transparency"
)

// newAuditTest returns an accessTest with an audit log in a file, whose path it returns.
func newAuditTest(t *testing.T) (accessTest, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	log := must[*audit.Log](t)(audit.Open(path, audit.Options{}))
	s := openLike(t, func(c *Config) { c.Audit, c.DevAccount = log, homeAccount })
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return accessTest{people{t, s}}, path
}

// search returns the events of all pages of a search, and the number of pages.
func (a actor) search(members map[string]any) (all []api.AuditEvent, last *api.QueryAuditResponse, pages int) {
	a.Helper()
	for pages = 1; pages < 1000; pages++ {
		text, err := json.Marshal(members)
		a.must(err)
		last = a.does("QueryAudit", "", string(text)).(*api.QueryAuditResponse)
		all = append(all, last.Events...)
		if !last.Truncated {
			return all, last, pages
		}
		delete(members, "FirstIndex")
		delete(members, "Newest")
		members["Marker"] = *last.NextMarker
	}
	a.Fatal("the pages do not end")
	return nil, nil, 0
}

// The audit log is read and proved by principals of the deployment's account to whom a policy allows it.
func TestWhoReadsTheAuditLog(t *testing.T) {
	c, _ := newAuditTest(t)
	c.user("auditor", with(c.identity("allow keyhold:QueryAudit,keyhold:ProveEvent")))
	c.user("alice", with(c.identity("allow kms:*,keyhold:Seal*")))
	c.must(c.audit.Checkpoint())
	c.root().does("QueryAudit", "", `{}`)
	c.must(c.audit.Checkpoint())
	events, _, _ := c.as("auditor").search(map[string]any{"Limit": 2})
	prove := `{"EventId":"` + eventIDOf(t, events[0]) + `"}`
	for operation, members := range map[string]string{"QueryAudit": `{}`, "ProveEvent": prove} {
		c.as("auditor").does(operation, "", members)
		c.root().does(operation, "", members)
		_, err := c.as("alice").try(operation, "", members)
		c.wantRefusal(err, key.KindAccessDenied, "because no identity-based policy allows the keyhold:"+operation)
		other := c.root()
		other.who = identity.Root(otherAccount)
		_, err = other.try(operation, "", members)
		c.wantRefusal(err, key.KindAccessDenied, "because it is for principals of the deployment's account alone")
	}
}

func eventIDOf(t *testing.T, e api.AuditEvent) string {
	t.Helper()
	return must[string](t)(audit.ID([]byte(*e.Line)))
}

// A search finds what its conditions select, in pages that end although each request is an event itself, and names the
// log that it covers.
func TestSearches(t *testing.T) {
	c, _ := newAuditTest(t)
	on := c.key("allow home kms:*")
	for range 5 {
		c.root().does("Encrypt", on)
	}
	_, err := c.root().try("DescribeKey", on, `{"KeyId":"11111111-1111-4111-8111-111111111111"}`)
	c.wantRefusal(err, key.KindNotFound, "")
	for name, test := range map[string]struct {
		members map[string]any
		events  int
		name    string
	}{
		"operation":        {map[string]any{"Operation": "Encrypt"}, 5, "Encrypt"},
		"one at a time":    {map[string]any{"Operation": "Encrypt", "Limit": 1}, 5, "Encrypt"},
		"key":              {map[string]any{"Key": on, "Operation": "Encrypt"}, 5, "Encrypt"},
		"outcome":          {map[string]any{"Outcome": "failure", "Operation": "DescribeKey"}, 1, "DescribeKey"},
		"error":            {map[string]any{"Outcome": "NotFoundException"}, 1, "DescribeKey"},
		"principal":        {map[string]any{"Principal": identity.Root(homeAccount).ARN, "Operation": "CreateKey"}, 1, "CreateKey"},
		"before all":       {map[string]any{"EndTime": 1000}, 0, ""},
		"after all":        {map[string]any{"StartTime": 4e9}, 0, ""},
		"of no request":    {map[string]any{"RequestId": "none"}, 0, ""},
		"from the end":     {map[string]any{"FirstIndex": 1_000_000}, 0, ""},
		"none of the last": {map[string]any{"Newest": 0}, 0, ""},
	} {
		found, last, _ := c.root().search(test.members)
		if len(found) != test.events {
			t.Errorf("%s: %d events, want %d", name, len(found), test.events)
		}
		for _, e := range found {
			if !strings.Contains(*e.Line, `"eventName":"`+test.name+`"`) {
				t.Errorf("%s: %s", name, *e.Line)
			}
		}
		if last.Log.Origin != c.audit.Origin() || last.Log.VerifierKey != c.AuditKey() || last.Log.FirstIndex != 0 || last.Log.Checkpoint == nil || last.Log.OtherLogs != nil {
			t.Errorf("%s: %+v", name, last.Log)
		}
	}
	all, last, pages := c.root().search(map[string]any{"Limit": 1})
	if int64(len(all)) != last.Log.EndIndex || pages != len(all) {
		t.Errorf("%d events of %d lines in %d pages", len(all), last.Log.EndIndex, pages)
	}
	newest, _, _ := c.root().search(map[string]any{"Newest": 3})
	if len(newest) != 3 || newest[2].Index <= all[len(all)-1].Index {
		t.Errorf("%+v", newest)
	}
	later, _, _ := c.root().search(map[string]any{"FirstIndex": newest[1].Index})
	if len(later) < 2 || *later[0].Line != *newest[1].Line {
		t.Errorf("%+v", later)
	}
}

// A response and the work for it are bounded, whatever the log has.
func TestSearchesAreBounded(t *testing.T) {
	c, _ := newAuditTest(t)
	line := strings.Repeat(`\"`, 20_000)
	for range 30 {
		c.must(c.audit.Write(t.Context(), audit.Event{EventID: "x", EventName: "Big", RequestParameters: []byte(`{"a":"` + line + `"}`)}))
	}
	all, _, pages := c.root().search(map[string]any{"Operation": "Big"})
	if len(all) != 30 || pages < 3 {
		t.Errorf("%d events in %d pages", len(all), pages)
	}
	out := c.root().does("QueryAudit", "", `{"Operation":"Big"}`)
	if text := must[[]byte](t)(api.Encode(out)); len(text) > 1<<20 || len(text) < 256<<10 {
		t.Errorf("a response of %d bytes", len(text))
	}
	if auditBounds.Events != 1000 || auditBounds.Bytes != 384<<10 || auditBounds.Scanned != 16<<20 || auditing.Places != 1 || auditing.PerName != 4 || auditing.Total != 16 {
		t.Error("the bounds are others")
	}
	c.must(c.auditing.Enter(t.Context(), "somebody"))
	ended := make(chan error, 5)
	for range 5 {
		go func() {
			_, err := c.root().try("QueryAudit", "", `{}`)
			ended <- err
		}()
	}
	c.wantRefusal(<-ended, key.KindThrottling, "") // the fifth one that waits
	c.auditing.Leave()
	for range 4 {
		c.must(<-ended)
	}
}

// A marker of another log, of another operation, or that somebody made up, is refused.
func TestMarkersOfSearches(t *testing.T) {
	c, _ := newAuditTest(t)
	c.root().does("ListKeys", "")
	c.root().does("ListKeys", "")
	first := c.root().does("QueryAudit", "", `{"Limit":1}`).(*api.QueryAuditResponse)
	if !first.Truncated {
		t.Fatal("one page has all")
	}
	marker := func(operation, after string) string {
		next, _ := (&page{operation: operation, after: after, more: true}).next()
		return *next
	}
	origin := c.audit.Origin()
	for name, test := range map[string]struct{ marker, part string }{
		"no marker":         {"x", "The marker is not valid."},
		"another operation": {marker("ProveEvent", origin+" 3 1"), "The marker is not valid."},
		"another log":       {marker("QueryAudit", "keyhold/x/y 3 1"), "belongs to the log keyhold/x/y, but this node has the log " + origin},
		"beyond the end":    {marker("QueryAudit", origin+" 1000000 1"), "The marker is not valid."},
		"beyond the part":   {marker("QueryAudit", origin+" 2 3"), "The marker is not valid."},
		"negative":          {marker("QueryAudit", origin+" 2 -1"), "The marker is not valid."},
		"incomplete":        {marker("QueryAudit", origin+" 2"), "The marker is not valid."},
	} {
		_, err := c.root().try("QueryAudit", "", `{"Marker":"`+test.marker+`"}`)
		t.Log(name)
		c.wantRefusal(err, key.KindInvalidMarker, test.part)
	}
	for _, in := range []*api.QueryAuditRequest{
		{Marker: new("x"), Newest: new(int64(1))}, {FirstIndex: new(int64(0)), Newest: new(int64(1))},
		{Marker: new("x"), FirstIndex: new(int64(0))},
	} {
		wantRefusal(t, checkQueryAudit(in, time.Time{}), key.KindValidation, "Give at most one of Marker, FirstIndex and Newest.")
	}
	in := &api.ProveEventRequest{Index: new(int64(1)), Marker: new("x")}
	wantRefusal(t, checkProveEvent(in, time.Time{}), key.KindValidation, "Give at most one of Index and Marker.")
}

// A proof of an event verifies with the public key of the log. Events without a proof get an error that says why.
func TestProofsOfEvents(t *testing.T) {
	c, path := newAuditTest(t)
	c.key()
	c.root().does("ListKeys", "") // returns when the events before it are in the file
	c.must(c.audit.Checkpoint())
	all, _, _ := c.root().search(map[string]any{"Operation": "CreateKey"})
	id := eventIDOf(t, all[0])
	for _, members := range []map[string]any{{"EventId": id}, {"EventId": id, "Index": all[0].Index}} {
		out := c.root().does("ProveEvent", "", string(must[[]byte](t)(json.Marshal(members)))).(*api.ProveEventResponse)
		p := must[transparency.Proof](t)(transparency.ParseProof(*out.Proof))
		if _, err := p.Check([]byte(*out.Event.Line), must[note.Verifier](t)(note.NewVerifier(out.Log.VerifierKey))); err != nil || *out.Event.Line != *all[0].Line {
			t.Errorf("%v: %v, %v", members, out, err)
		}
	}
	unproved, _, _ := c.root().search(map[string]any{"Operation": "ProveEvent"})
	for name, test := range map[string]struct {
		members string
		kind    key.Kind
		part    string
	}{
		"too new":       {`{"EventId":"` + eventIDOf(t, unproved[0]) + `"}`, key.KindInvalidState, "No checkpoint of the audit log has this event yet"},
		"unknown":       {`{"EventId":"0199f0e4-7b1c-7d0e-9a56-1b2c3d4e5f60"}`, key.KindNotFound, "There is no such event in the log " + c.audit.Origin()},
		"another form":  {`{"EventId":"x"}`, key.KindNotFound, "There is no such event"},
		"another line":  {`{"EventId":"` + id + `","Index":1}`, key.KindNotFound, "There is no such event"},
		"after the end": {`{"EventId":"` + id + `","Index":1000000}`, key.KindNotFound, "There is no such event"},
	} {
		_, err := c.root().try("ProveEvent", "", test.members)
		t.Log(name)
		c.wantRefusal(err, test.kind, test.part)
	}
	text := must[[]byte](t)(os.ReadFile(path))
	c.must(os.WriteFile(path, bytes.Replace(text, []byte(`"CreateKey"`), []byte(`"CreateKoy"`), 1), 0o600))
	_, err := c.root().try("ProveEvent", "", `{"EventId":"`+id+`"}`)
	c.wantRefusal(err, key.KindInvalidState, "damaged or was altered")
	_, last, _ := c.root().search(map[string]any{"Operation": "CreateKoy"})
	if len(last.AlteredIndexes) != 1 || last.AlteredIndexes[0] != all[0].Index {
		t.Errorf("%+v", last)
	}
}

// A proof is searched for in pages too.
func TestProofsAfterPages(t *testing.T) {
	c, _ := newAuditTest(t)
	big := []byte(`{"a":"` + strings.Repeat("x", 40_000) + `"}`)
	for range 450 {
		c.must(c.audit.Write(t.Context(), audit.Event{EventID: "x", EventName: "Big", RequestParameters: big}))
	}
	c.must(c.audit.Write(t.Context(), audit.Event{EventID: "wanted", EventName: "Small"}))
	c.must(c.audit.Checkpoint())
	out := c.root().does("ProveEvent", "", `{"EventId":"wanted"}`).(*api.ProveEventResponse)
	if !out.Truncated || out.Proof != nil {
		t.Fatalf("%+v", out)
	}
	out = c.root().does("ProveEvent", "", `{"EventId":"wanted","Marker":"`+*out.NextMarker+`"}`).(*api.ProveEventResponse)
	if out.Truncated || out.Proof == nil || out.Event.Index < 450 {
		t.Errorf("%+v", out)
	}
}

// A server in memory has no audit log.
func TestSearchesWithoutALog(t *testing.T) {
	c := newAccessTest(t)
	for operation, members := range map[string]string{"QueryAudit": `{}`, "ProveEvent": `{"EventId":"x"}`} {
		_, err := c.root().try(operation, "", members)
		c.wantRefusal(err, key.KindUnsupportedOperation, "has no audit log")
	}
}

// must returns a function that returns a value, and fails the test if there is an error instead.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The program of examples verifies what ProveEvent sends.
func TestVerifyProofOfTheWire(t *testing.T) {
	c, _ := newAuditTest(t)
	c.root().does("ListKeys", "")
	c.must(c.audit.Checkpoint())
	found, _, _ := c.root().search(map[string]any{"Operation": "ListKeys"})
	prove := func() *api.ProveEventResponse {
		return c.root().does("ProveEvent", "", `{"EventId":"`+eventIDOf(t, found[0])+`"}`).(*api.ProveEventResponse)
	}
	verify := func(out *api.ProveEventResponse, line string) error {
		path := filepath.Join(t.TempDir(), "event.tlog-proof")
		c.must(os.WriteFile(path, []byte(*out.Proof), 0o600))
		python := cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3")
		p := exec.CommandContext(t.Context(), python, "../../examples/verify_proof.py", out.Log.VerifierKey, path)
		p.Stdin = strings.NewReader(line)
		said, err := p.CombinedOutput()
		t.Logf("%s", said)
		return err
	}
	out := prove()
	c.must(verify(out, *out.Event.Line))
	if verify(out, strings.Replace(*out.Event.Line, "ListKeys", "ListKoys", 1)) == nil {
		t.Error("the proof verifies another line")
	}
}
