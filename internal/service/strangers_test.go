package service

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

var startOfStrangers = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// wakefulStrangers do not sleep.
func wakefulStrangers() *strangers {
	s := newStrangers(startOfStrangers)
	s.sleep = func(time.Duration) {}
	return s
}

// Strangers above their rate are answered one after the other, regardless of the number of
// their connections. Strangers below it are answered at once.
func TestStrangersAreSlowedDown(t *testing.T) {
	s := newStrangers(startOfStrangers)
	var slept []time.Duration
	s.sleep = func(d time.Duration) { slept = append(slept, d) }
	for range strangersByNetwork.Burst {
		s.admit("192.0.2.1", "X", startOfStrangers)
	}
	if len(slept) > 0 {
		t.Errorf("within the rate: %v", slept)
	}
	for range 1000 {
		s.admit("192.0.2.1", "X", startOfStrangers)
	}
	if len(slept) != 1000 || slept[0] != answerEvery || slept[1] != 2*answerEvery || slept[999] != maxDelay {
		t.Errorf("%d answers are slow, the last by %v", len(slept), slept[len(slept)-1])
	}
	later := startOfStrangers.Add(maxDelay)
	if slept = nil; s.admit("192.0.2.1", "X", later) || slept[0] != answerEvery {
		t.Errorf("afterwards: %v", slept)
	}
}

// A limited number of refusals of strangers has events of their own, whatever the number and rate
// of sources. All others are counted.
func TestStrangersHaveABound(t *testing.T) {
	for name, source := range map[string]func(i int) string{
		"one source":       func(int) string { return "192.0.2.1" },
		"a network":        func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i) },
		"a few":            func(i int) string { return fmt.Sprintf("192.0.2.%d", i%5) },
		"a source for all": func(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255) },
	} {
		const seconds, each = 100, 500
		s := wakefulStrangers()
		admitted := 0
		for i := range seconds * each {
			if s.admit(source(i), "X", startOfStrangers.Add(time.Duration(i)*time.Second/each)) {
				admitted++
			}
		}
		most := map[string]int{"one source": 10 + seconds/10, "a network": 10 + seconds/10, "a few": 5 * (10 + seconds/10)}[name]
		if most == 0 {
			most = 100 + 2*seconds
		}
		if admitted > most || admitted < most*9/10 {
			t.Errorf("%s: %d have an event, want at most %d", name, admitted, most)
		}
		m, due := s.take(startOfStrangers.Add(seconds*time.Second), reportEvery)
		counted := m.others
		for _, n := range m.networks {
			counted += n
		}
		if !due || m.requests != int64(seconds*each-admitted) || counted != m.requests || m.codes["X"] != m.requests || len(m.networks) > 20 { // docs/audit-log.md
			t.Errorf("%s: %+v, due %v", name, m, due)
		}
		if _, again := s.take(startOfStrangers.Add(time.Hour), 0); again {
			t.Errorf("%s: it is reported twice", name)
		}
	}
}

// A flood from one source does not reduce the events of another source.
func TestStrangersDoNotHideOthers(t *testing.T) {
	s := wakefulStrangers()
	for i := range 100_000 {
		s.admit("192.0.2.1", "X", startOfStrangers.Add(time.Duration(i)*time.Millisecond))
	}
	if !s.admit("192.0.2.2", "X", startOfStrangers.Add(100*time.Second)) {
		t.Error("another source has no event")
	}
}

func TestReportsComeOnceAMinute(t *testing.T) {
	s := wakefulStrangers()
	for range 11 {
		s.admit("192.0.2.1", "X", startOfStrangers)
	}
	if _, due := s.take(startOfStrangers.Add(reportEvery-1), reportEvery); due {
		t.Error("too early")
	}
	if m, due := s.take(startOfStrangers.Add(reportEvery), reportEvery); !due || m.requests != 1 {
		t.Errorf("%+v, due %v", m, due)
	}
}

type recordedEvent struct {
	EventName, ErrorCode, ErrorMessage, EventSource, AWSRegion, SourceIPAddress, EventType, RequestID string
	UserIdentity                                                                                      map[string]any
	ServiceEventDetails                                                                               map[string]any
}

// events returns the events of the audit log.
func (o *explainTest) events() (all []recordedEvent) {
	o.Helper()
	log, err := os.ReadFile(o.logPath)
	if err != nil {
		o.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		var e recordedEvent
		if err := json.Unmarshal([]byte(line), &e, json.MatchCaseInsensitiveNames(true)); err != nil {
			o.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// A refused signature leaves an event that says who tried, and contains nothing that may be a
// secret.
func TestBadSignaturesAreRecorded(t *testing.T) {
	o := newExplainTest(t)
	const id, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYxx"
	wrong := key.Errorf(key.KindInvalidSignature, "The request signature we calculated does not match.")
	for _, b := range []BadSignature{
		{Target: api.TargetKMS, Name: "Decrypt", AccessKeyID: id, Region: "eu-west-2", SourceIP: "192.0.2.1", RequestID: "1"},
		{Target: api.TargetKMS, Name: secret, AccessKeyID: secret, Region: secret, SourceIP: "192.0.2.2", RequestID: "2"},
		{Target: api.TargetSTS, Name: "AssumeRole", AccessKeyID: "ASIAIOSFODNN7EXAMPLE", Region: "eu-west-2", SourceIP: "192.0.2.3", RequestID: "3"},
		{Target: api.TargetSTS, Name: "Decrypt", AccessKeyID: "test", SourceIP: "192.0.2.4", RequestID: "4"},
	} {
		b.Reason = wrong
		o.RecordBadSignature(b)
	}
	var got []string
	for _, e := range o.events() {
		if e.UserIdentity["type"] != "Unknown" || len(e.UserIdentity) > 2 || e.ErrorMessage != wrong.Message {
			t.Errorf("%+v", e)
		}
		got = append(got, fmt.Sprint(e.EventSource, " ", e.EventName, " ", e.ErrorCode, " ", e.UserIdentity["accessKeyId"], " ", e.AWSRegion, " ", e.SourceIPAddress, " ", e.RequestID))
	}
	want := []string{
		"kms.amazonaws.com Decrypt InvalidSignatureException " + id + " eu-west-2 192.0.2.1 1",
		"kms.amazonaws.com Unknown InvalidSignatureException <nil>  192.0.2.2 2",
		"sts.amazonaws.com AssumeRole SignatureDoesNotMatch ASIAIOSFODNN7EXAMPLE eu-west-2 192.0.2.3 3",
		"sts.amazonaws.com Unknown SignatureDoesNotMatch <nil>  192.0.2.4 4",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if log, err := os.ReadFile(o.logPath); err != nil || strings.Contains(string(log), secret) {
		t.Error("the secret is in the log", err)
	}
}

// A flood of bad signatures and of unsigned requests leaves some events and one report.
func TestFloodsOfStrangers(t *testing.T) {
	o := newExplainTest(t)
	o.strangers.sleep = func(time.Duration) {}
	op, _ := o.Find("AssumeRoleWithWebIdentity")
	for i := range 300 {
		o.RecordBadSignature(BadSignature{SourceIP: "192.0.2.1", Reason: key.Errorf(key.KindUnrecognizedClient, "The security token included in the request is invalid.")})
		_, err := o.Do(t.Context(), Request{
			ID: fmt.Sprint(i), Caller: identity.Caller{Principal: identity.Principal{Kind: identity.KindWebIdentity}}, SourceIP: "192.0.2.2", Operation: op,
			Input: &sts.AssumeRoleWithWebIdentityRequest{RoleArn: new(strings.Repeat("\x01", 100<<10)), RoleSessionName: new("s"), WebIdentityToken: new("token")},
		})
		wantRefusal(t, err, key.KindValidation, "")
	}
	log, _ := os.ReadFile(o.logPath)
	if n := len(o.events()); n > 25 || n < 20 || len(log) > 25*8<<10 {
		t.Errorf("%d events, %d bytes", n, len(log))
	}
	before := len(o.events())
	o.reportStrangers(time.Now())
	if n := len(o.events()); n != before {
		t.Error("the report comes too early")
	}
	o.reportStrangers(time.Now().Add(reportEvery))
	o.reportStrangers(time.Now().Add(2 * reportEvery))
	all := o.events()
	last := all[len(all)-1]
	codes, _ := last.ServiceEventDetails["errorCodes"].(map[string]any)
	if len(all) != before+1 || last.EventName != "RefusedRequests" || last.EventType != "AwsServiceEvent" ||
		last.ServiceEventDetails["requests"] != float64(600-before) || codes["ValidationError"] == nil || codes["UnrecognizedClientException"] == nil {
		t.Errorf("%d events, the last is %+v", len(all)-before, last)
	}
}

// A refusal of an authenticated caller always has an event of its own.
func TestDenialsAreAlwaysRecorded(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(`{"Effect": "Deny", "Action": "*", "Resource": "*"}`)), o.key(root, "")
	web := identity.Principal{Kind: identity.KindWebIdentity, Session: &identity.Session{Web: &identity.WebIdentity{Subject: "s"}}}
	for range 300 {
		_, _, err := o.as(alice, "DescribeKey", &api.DescribeKeyRequest{KeyId: &k.ID})
		wantRefusal(t, err, key.KindAccessDenied, "")
		o.as(web, "AssumeRoleWithWebIdentity", &sts.AssumeRoleWithWebIdentityRequest{})
	}
	n := 0
	for _, e := range o.events() {
		if e.ErrorCode != "" {
			n++
		}
	}
	if n != 600 {
		t.Errorf("%d events of 600", n)
	}
}

// A refusal without an event leaves no line in the operator's log either.
func TestWithoutCause(t *testing.T) {
	cause := errors.New("the cause")
	refused := key.Errorf(key.KindInvalidIdentityToken, "no").Because(cause)
	quiet, ok := withoutCause(refused).(*key.Error)
	if !ok || quiet.Cause != nil || quiet.Message != "no" || quiet.Kind != refused.Kind || refused.Cause != cause {
		t.Errorf("%+v of %+v", quiet, refused)
	}
	if got := withoutCause(cause); got != cause {
		t.Errorf("%v", got)
	}
}
