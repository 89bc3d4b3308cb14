package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// full returns an event in which every member is set.
func full() Event {
	return Event{
		EventSource: KMS,
		UserIdentity: Identity{
			Type: "AssumedRole", PrincipalID: "AROA1:ci", ARN: "arn:aws:sts::111122223333:assumed-role/ci/ci", AccountID: "111122223333", AccessKeyID: "ASIA1",
			UserName: "u", IdentityProvider: "p", InvokedBy: "i",
			Session: Session{
				Issued:            time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
				Issuer:            Issuer{"Role", "AROA1", "arn:aws:iam::111122223333:role/ci", "111122223333", "ci"},
				FederatedProvider: "arn:aws:iam::111122223333:oidc-provider/example.com", SourceIdentity: "alice",
			},
		},
		EventTime: time.Date(2026, 1, 2, 3, 5, 6, 7e6, time.UTC), EventName: "Decrypt", AWSRegion: "eu-west-2",
		SourceIPAddress: "192.0.2.1", UserAgent: "test", ErrorCode: "AccessDeniedException", ErrorMessage: "no \"way\"",
		RequestParameters: []byte(`{"encryptionContext":{"a":"b"}}`), ResponseElements: []byte(`{"x":1}`), AdditionalEventData: []byte(`{"y":2}`),
		RequestID: "request-1", EventID: "event-1", ReadOnly: true,
		Resources: []Resource{{"arn:aws:kms:eu-west-2:111122223333:key/1", "111122223333", KeyResource}},
		EventType: APICall, RecipientAccountID: "111122223333", ServiceEventDetails: []byte(`{"z":3}`), StoreRevision: 12,
	}
}

// parseEvent restores every member of a written event.
func TestParseEvent(t *testing.T) {
	for _, want := range []Event{full(), {EventSource: KMS, EventID: "e", EventType: APICall, EventTime: time.Unix(0, 0).UTC()}} {
		line, err := want.Line()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseEvent(line)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got\n%+v\nwant\n%+v", err, got, want)
		}
	}
	v := reflect.ValueOf(full())
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("the test leaves out %s", v.Type().Field(i).Name)
		}
	}
}

func TestFind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	write := func(requestID, eventID string, parameters string) {
		t.Helper()
		e := full()
		e.RequestID, e.EventID, e.RequestParameters = requestID, eventID, []byte(parameters)
		if err := l.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	filler := `{"description":"` + strings.Repeat("x", 100<<10) + `"}`
	write("first", "1", "{}")
	write("twice", "2", "{}")
	for i := range 100 { // more than one chunk
		write(fmt.Sprint("filler-", i), fmt.Sprint("f", i), filler)
	}
	write("twice", "3", "{}")
	// A client that sends another request's ID in a value of its own does not replace that request's event.
	write("liar", "4", `{"encryptionContext":{"requestID":"first","requestID2":"\"requestID\":\"first\""}}`)
	find := func() {
		t.Helper()
		for id, want := range map[string]string{"first": "1", "twice": "3", "liar": "4", "filler-0": "f0", "filler-42": "f42", "filler-99": "f99", "none": "", "filler": "", "": ""} {
			e, found, err := l.Find(t.Context(), id)
			if err != nil || found != (want != "") || e.EventID != want {
				t.Errorf("%q: found %v, %q, %v", id, found, e.EventID, err)
			}
		}
	}
	find()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l, err = Open(path, Options{}); err != nil {
		t.Fatal(err)
	}
	find() // also finds events from before the log was opened
	given, cancel := context.WithCancel(t.Context())
	cancel()
	if _, found, err := l.Find(given, "first"); found || !errors.Is(err, context.Canceled) {
		t.Errorf("the search continued: found %v, %v", found, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	memory := New(Discard{}, Options{})
	defer memory.Close()
	if _, found, err := memory.Find(t.Context(), "first"); found || !errors.Is(err, ErrNotKept) {
		t.Errorf("a log without a file: found %v, %v", found, err)
	}
}

// Find returns events before and after damage. If it finds nothing, it reports the damage.
func TestFindPassesDamage(t *testing.T) {
	first := mustLine(t, full())
	for name, damage := range map[string][]byte{
		"short":               []byte("x\n"),
		"an event cut short":  append(bytes.Clone(first[:len(first)/2]), '\n'),
		"a hole":              append(append(bytes.Clone(first[:100]), make([]byte, 100)...), first[200:]...),
		"as long as a chunk":  append(bytes.Repeat([]byte("x"), searchedAtOnce-1), '\n'),
		"longer than a chunk": append(bytes.Repeat([]byte("x"), searchedAtOnce), '\n'),
		"much longer":         append(bytes.Repeat([]byte("x"), 3*searchedAtOnce), '\n'),
	} {
		path := filepath.Join(t.TempDir(), "audit.log")
		l := openLog(t, path)
		if _, err := l.file.Write(slices.Concat(first, damage, mustLine(t, event("last")), []byte(`{"cut":`))); err != nil {
			t.Fatal(err)
		}
		if e, found, err := l.Find(t.Context(), "request-1"); err != nil || !found || e.EventID != "event-1" {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
		if _, found, err := l.Find(t.Context(), "request-2"); !errors.Is(err, ErrUnreadable) || found {
			t.Errorf("%s: a missing event: found %v, %v", name, found, err)
		}
		closeLog(t, l)
	}
}

// Find reports damage also if it reads whole chunks of events after it.
func TestFindRemembersDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, path)
	defer l.Close()
	e := full()
	e.ErrorCode, e.RequestParameters = "", []byte(`{"description":"`+strings.Repeat("x", 60<<10)+`"}`)
	if _, err := l.file.Write(append(bytes.Repeat(mustLine(t, e), 2*searchedAtOnce/(60<<10)), "damage\n"...)); err != nil {
		t.Fatal(err)
	}
	if _, found, err := l.Find(t.Context(), "request-2"); !errors.Is(err, ErrUnreadable) || found {
		t.Errorf("found %v, %v", found, err)
	}
}

// A line longer than maxLine ends the search.
func TestFindReadsNoFurther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openLog(t, path)
	defer closeLog(t, l)
	if _, err := l.file.Write(slices.Concat(mustLine(t, full()), bytes.Repeat([]byte("x"), 3*maxLine), []byte("\n"))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.Find(t.Context(), "request-1"); !errors.Is(err, ErrUnreadable) {
		t.Errorf("got %v", err)
	}
}

// Find looks into every closed segment.
func TestFindInSegments(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := openProtected(t, path, small)
	defer closeLog(t, l)
	writeMany(t, l, 0, 100)
	if closed := waitCompressed(t, path).closed; len(closed) < 3 {
		t.Fatalf("%d closed segments", len(closed))
	}
	for i := range 100 {
		e, found, err := l.Find(t.Context(), fmt.Sprint("request-", i))
		if err != nil || !found || e.EventID != fmt.Sprint("event-", i) {
			t.Errorf("request-%d: %v, %q, %v", i, found, e.EventID, err)
		}
	}
}
