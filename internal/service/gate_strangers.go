package service

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
)

// A stranger sends requests without a signature or token that the server can verify. Refusals
// of strangers have events of their own up to these rates, by network and in total. Further
// refusals are counted and reported once a minute. An event of a stranger has 8 KiB at most
// (package audit), so in the long run strangers make the log grow by 16 KiB a second at most.
var (
	strangersByNetwork = admit.Limit{PerSecond: 0.1, Burst: 10}
	strangersInAll     = admit.Limit{PerSecond: 2, Burst: 100}
)

// Refusals beyond these rates are answered slowly, so that strangers do not use up the
// processors: one refusal per answerEvery, each delayed by maxDelay at most.
const (
	answerEvery = 10 * time.Millisecond
	maxDelay    = 5 * time.Second
)

const (
	maxNetworks = 4096 // that have a rate of their own
	maxReported = 20   // networks that are named in a report
	reportEvery = time.Minute
)

// strangers limits and counts the events of strangers, and delays answers to strangers.
type strangers struct {
	byNetwork, inAll *admit.Buckets
	sleep            func(time.Duration)

	mu     sync.Mutex
	missed unrecordedRefusals
	next   time.Time // when the next delayed answer is due
}

// unrecordedRefusals counts the refusals without an event of their own.
type unrecordedRefusals struct {
	since    time.Time // time of the first refusal
	requests int64
	codes    map[string]int64 // by error code; there are few codes
	networks map[string]int64
	others   int64 // requests from networks that the map has no place for
}

func newStrangers(now time.Time) *strangers {
	return &strangers{
		byNetwork: admit.NewBuckets(strangersByNetwork, maxNetworks, now),
		inAll:     admit.NewBuckets(strangersInAll, 1, now),
		sleep:     time.Sleep,
	}
}

// admit reports whether a refusal gets an event of its own. If it does not, admit counts the
// refusal and returns when the refusal may be answered. now is monotonic.
func (s *strangers) admit(address, code string, now time.Time) bool {
	network := networkOf(address)
	if s.byNetwork.Allow(network, now) && s.inAll.Allow("", now) {
		return true
	}
	s.miss(network, code, now)
	s.sleep(s.delay(now))
	return false
}

// delay returns how long the next delayed answer must wait.
func (s *strangers) delay(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next.Before(now) {
		s.next = now
	}
	if s.next.Sub(now) < maxDelay {
		s.next = s.next.Add(answerEvery)
	}
	return s.next.Sub(now)
}

func (s *strangers) miss(network, code string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &s.missed
	if m.requests == 0 {
		*m = unrecordedRefusals{since: now, codes: map[string]int64{}, networks: map[string]int64{}}
	}
	m.requests++
	m.codes[code]++
	if _, known := m.networks[network]; known || len(m.networks) < maxReported {
		m.networks[network]++
	} else {
		m.others++
	}
}

// take returns the counts and resets them, if the first refusal is at least the given duration
// in the past.
func (s *strangers) take(now time.Time, after time.Duration) (m unrecordedRefusals, due bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.missed.requests == 0 || now.Sub(s.missed.since) < after {
		return m, false
	}
	m, s.missed = s.missed, unrecordedRefusals{}
	return m, true
}

// networkOf returns the name under which an address is counted. An IPv4 address is a network of its
// own. An IPv6 address is counted by its /64, because a customer of a network gets at least a /64
// (RFC 6177).
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, _ := ip.WithZone("").Prefix(64)
	return prefix.String()
}

// details returns the details of the event that reports the refusals.
func (m unrecordedRefusals) details(now time.Time) []byte {
	text, _ := json.Marshal(struct {
		Requests   int64            `json:"requests"`
		Seconds    int64            `json:"seconds"`
		ErrorCodes map[string]int64 `json:"errorCodes"`
		Sources    map[string]int64 `json:"sources"`
		Others     int64            `json:"otherSources"`
	}{m.requests, int64(now.Sub(m.since).Seconds()), m.codes, m.networks, m.others}, json.Deterministic(true))
	return text
}

// reportStrangers writes the event about refusals without an event, once a minute. On a full
// disk the counts are kept for a later report.
func (s *Service) reportStrangers(now time.Time) {
	if s.full() != nil {
		return
	}
	m, due := s.strangers.take(now, reportEvery)
	if !due {
		return
	}
	s.warnOfStrangers(m)
	account, err := s.accountOfDeployment(s.newest(context.Background(), nil))
	e := serverEvent("RefusedRequests", account, s.clock.Now())
	e.ServiceEventDetails, e.StoreRevision = m.details(now), s.store.Revision()
	if err == nil {
		err = s.audit.Write(context.Background(), e)
	}
	if err != nil {
		s.log.Error("the report about refused requests is not in the audit log", "error", err)
	}
}

func (s *Service) warnOfStrangers(m unrecordedRefusals) {
	s.log.Warn("requests were refused without an event of their own: "+
		"they had no valid signature or token, and there were too many",
		"requests", m.requests, "sources", slices.Sorted(maps.Keys(m.networks)), "requestsOfOtherSources", m.others)
}

// isUnrecorded reports whether the refusal of a request has no event of its own. A refusal of a
// caller with a proven identity always has an event.
func (c *call) isUnrecorded(err error) bool {
	if err == nil || !c.Operation.Unsigned || c.Caller.Principal.Session != nil {
		return false
	}
	code, _ := c.Operation.errorOf(err)
	return !c.strangers.admit(c.SourceIP, code, c.begun)
}

// withoutCause returns an error that leaves no line in the operator's log.
func withoutCause(err error) error {
	refused, ok := err.(*key.Error)
	if !ok {
		return err
	}
	quiet := *refused
	quiet.Cause = nil
	return &quiet
}

// A BadSignature is a request whose signature was refused. Any of its members may be forged.
type BadSignature struct {
	RequestID, SourceIP, UserAgent string
	Target, Name                   string // the API and the operation
	AccessKeyID, Region            string
	Reason                         *key.Error
}

// RecordBadSignature writes an event about a refused signature, within the rates of strangers.
// The event names the operation only if the operation exists, and the access key ID and the
// Region only if they are well formed, because people paste secrets into the wrong place.
func (s *Service) RecordBadSignature(b BadSignature) {
	now := time.Now()
	op, served := s.operations[b.Name]
	served = served && op.Target == b.Target
	op.Target = b.Target
	code, message := op.errorOf(b.Reason)
	if !s.strangers.admit(b.SourceIP, code, now) {
		return
	}
	e := audit.Event{
		EventSource:     op.eventSource(),
		EventID:         journal.NewEventID(),
		EventTime:       s.clock.Now(),
		EventName:       unknownOperation,
		SourceIPAddress: b.SourceIP,
		UserAgent:       b.UserAgent,
		ErrorCode:       code,
		ErrorMessage:    message,
		RequestID:       b.RequestID,
		ReadOnly:        op.ReadOnly || !served,
		StoreRevision:   s.store.Revision(),
		UserIdentity:    audit.Identity{Type: audit.Unknown},
	}
	if served {
		e.EventName = op.Name
	}
	if key.ValidRegion(b.Region) {
		e.AWSRegion = b.Region
	}
	if identity.WellFormedKeyID(b.AccessKeyID) {
		e.UserIdentity.AccessKeyID = b.AccessKeyID
	}
	if s.full() != nil || s.audit.Healthy() != nil || s.audit.Write(context.Background(), e) != nil {
		s.strangers.miss(networkOf(b.SourceIP), code, now)
	}
}

// unknownOperation is the name of an unknown operation in an event.
const unknownOperation = "Unknown"
