package service

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// Each operation has one class, and each class has a served operation.
func TestRateTableIsComplete(t *testing.T) {
	all, seen := operations(true), map[string]string{}
	for _, row := range rateRows {
		for _, name := range row.operations {
			if _, ok := all[name]; !ok {
				t.Errorf("%s is in the class %s, but is not served", name, row.class)
			}
			if seen[name] != "" {
				t.Errorf("%s is in the classes %s and %s", name, seen[name], row.class)
			}
			seen[name] = row.class
		}
	}
	for name, o := range all {
		if seen[name] == "" || rateRows[o.class].class != seen[name] {
			t.Errorf("%s has the class %q", name, seen[name])
		}
	}
	if n := len(DefaultRates()); n != len(rateRows) {
		t.Errorf("%d classes have a rate, want %d: a class must have one rate, in lines that follow one another", n, len(rateRows))
	}
	for class, n := range DefaultRates() {
		if n <= 0 {
			t.Errorf("the class %s has the rate %d", class, n)
		}
	}
}

func principalsOf(account string, names ...string) (all []identity.Principal) {
	for _, name := range names {
		all = append(all, identity.User{Entity: identity.Entity{Account: account, Name: name, Path: "/"}}.Principal())
	}
	return all
}

func TestRates(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	list, look := classOf("ListKeys"), classOf("DescribeKey")
	r := newRates(map[string]int{"list": 3, "look": 0}, now)
	drain := func(p identity.Principal, class int) (n int) {
		for n < 1000 && r.admit(&p, class, now) {
			n++
		}
		return n
	}
	people := principalsOf("111122223333", "alice", "bob", "carol")
	other := principalsOf("444455556666", "dave")[0]
	if n := drain(people[0], list); n != 3*burst {
		t.Errorf("at once: %d, want %d", n, 3*burst)
	}
	if n := drain(people[0], look); n != 1000 {
		t.Errorf("a class without a limit: %d", n)
	}
	if n := drain(people[0], classOf("Decrypt")); n != 1000 {
		t.Errorf("a class that is not given: %d", n)
	}
	now = now.Add(time.Second)
	if n := drain(people[0], list); n != 3 {
		t.Errorf("in a second: %d, want 3", n)
	}
	one, two := drain(people[1], list), drain(people[2], list)
	if one != 3*burst || two != 3 {
		t.Errorf("others of the account: %d and %d, want %d and the rest of the account's rate, 3", one, two, 3*burst)
	}
	if n := drain(other, list); n != 3*burst {
		t.Errorf("another account: %d, want %d", n, 3*burst)
	}
	now = now.Add(time.Hour)
	if n := drain(people[0], list); n != 3*burst {
		t.Errorf("after a pause: %d, want %d", n, 3*burst)
	}
	unlimited := newRates(nil, now)
	for range 1000 {
		if !unlimited.admit(&other, list, now) {
			t.Fatal("without rates somebody is throttled")
		}
	}
}

// Sessions of a role share one rate, regardless of their names.
func TestRatesOfSessions(t *testing.T) {
	now := time.Now()
	r := newRates(map[string]int{"list": 1}, now)
	role := identity.Role{Entity: identity.Entity{Account: "111122223333", Name: "app", Path: "/"}}
	admitted := 0
	for i := range 100 {
		p := role.Principal(&identity.Session{Name: fmt.Sprint("session", i)})
		if r.admit(&p, classOf("ListKeys"), now) {
			admitted++
		}
	}
	if admitted != burst {
		t.Errorf("%d sessions were admitted, want %d", admitted, burst)
	}
}

func TestAdmissionTakesNoMemory(t *testing.T) {
	now := time.Now()
	r, p := newRates(DefaultRates(), now), testCaller.Principal
	r.admit(&p, 0, now)
	if n := testing.AllocsPerRun(1000, func() { r.admit(&p, 0, now) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkAdmission(b *testing.B) {
	now := time.Now()
	r, p := newRates(map[string]int{"cryptographic": 1e9}, now), testCaller.Principal
	b.ReportAllocs()
	for b.Loop() {
		r.admit(&p, 0, now)
	}
}

// A recorder keeps everything that is written to the log.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *recorder) Sync() error          { return nil }
func (r *recorder) Close() error         { return nil }
func (r *recorder) Truncate(int64) error { return nil }

func (r *recorder) lines(with string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(strings.Split(r.text.String(), "\n"), func(line string) bool { return !strings.Contains(line, with) })
}

func openLimited(t *testing.T, rates, quotas map[string]int) (*Service, *recorder) {
	t.Helper()
	r := &recorder{}
	events := audit.New(r, audit.Options{})
	s, err := Open(t.Context(), Config{
		Backend: memory.New(), Slots: memory.NewSlots(), Root: seal.NewEphemeralRoot(), Create: true, Rates: rates, Quotas: quotas,
		Audit: events, Clock: NewClock(time.Now), Log: slog.New(slog.DiscardHandler), DevAccount: testCaller.Principal.AccountID,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(events.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, r
}

// A throttled request is refused before anything is looked up. One refusal in a minute has an
// event.
func TestThrottledRequests(t *testing.T) {
	s, log := openLimited(t, map[string]int{"look": 1}, nil)
	op, _ := s.Find("DescribeKey")
	missing := &api.DescribeKeyRequest{KeyId: new("12345678-1234-1234-1234-123456789012")}
	describe := func() error {
		_, err := s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: missing})
		return err
	}
	s.rates = newRates(map[string]int{"look": 1}, time.Now().Add(-time.Hour))
	refused := 0
	for range 200 {
		if err := describe(); isThrottled(err) {
			refused++
		} else if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindNotFound {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Fatal("nothing was throttled")
	}
	events := log.lines(`"errorCode":"ThrottlingException"`)
	if len(events) == 0 || len(events) > 3 || !strings.Contains(events[0], `"rateClass":"look"`) || !strings.Contains(events[0], `"throttledWithoutEvent":0`) {
		t.Errorf("%d refusals have the events %s", refused, events)
	}
	if n := len(log.lines(`"errorCode":"NotFoundException"`)); n != 200-refused {
		t.Errorf("%d events of requests that were not throttled, want %d", n, 200-refused)
	}
}
