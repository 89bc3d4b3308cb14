package service_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/health"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// failing returns the names of the checks that fail.
func (n *clusterNode) failing(t *testing.T) (names []string) {
	for _, r := range health.New(n.Checks()...).Run(t.Context()) {
		if r.Err != nil {
			names = append(names, r.Name)
		}
	}
	return names
}

// Each fault is named by its check within five seconds.
func TestChecksNameFaults(t *testing.T) {
	for _, test := range []struct {
		fault  string
		checks []string
		inject func(r *checkedNodes)
	}{
		{"none", nil, func(*checkedNodes) {}},
		{"the node is cut off from the store", []string{"store", "feed"}, func(r *checkedNodes) { r.network.Cut(true) }},
		{"the answers of the store are lost", []string{"store", "feed"}, func(r *checkedNodes) { r.network.Mute(true) }},
		{"the log cannot be written", []string{"audit"}, func(r *checkedNodes) { r.a.events.stop(); r.use() }},
		{"the disk is full", []string{"disk"}, func(r *checkedNodes) { r.full.Store(true) }},
		{"the disk takes no small files", []string{"disk"}, func(r *checkedNodes) { r.crowded.Store(true) }},
		{"another process has taken the node over", []string{"fence", "node"}, func(r *checkedNodes) { r.b.takeOver(r.t, r.d, "A"); r.change() }},
		{"the clock is ahead of two others", []string{"node", "clock"}, func(r *checkedNodes) { r.ahead.Store(int64(time.Minute)) }},
	} {
		t.Run(test.fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newCheckedNodes(t)
				defer r.close()
				if names := r.a.failing(t); names != nil {
					t.Fatalf("before the fault: %q", names)
				}
				test.inject(r)
				for end := time.Now().Add(5 * time.Second); ; time.Sleep(100 * time.Millisecond) {
					names := r.a.failing(t)
					missing := slices.ContainsFunc(test.checks, func(name string) bool { return !slices.Contains(names, name) })
					if !missing && len(names) <= len(test.checks) {
						return
					}
					if time.Now().After(end) {
						t.Fatalf("%q fail, want %q", names, test.checks)
					}
				}
			})
		})
	}
}

// checkedNodes are three nodes on one store. Node A has the faults.
type checkedNodes struct {
	t       *testing.T
	d       deployment
	a, b, c *clusterNode
	network *storetest.Faulty
	full    atomic.Bool
	crowded atomic.Bool // Config.Probe fails
	ahead   atomic.Int64
}

func newCheckedNodes(t *testing.T) *checkedNodes {
	r := &checkedNodes{t: t, d: newDeployment()}
	r.d.backend = memory.New()
	r.network = &storetest.Faulty{Backend: r.d.backend}
	faulty := func(c *service.Config) {
		c.Full = func() error {
			if r.full.Load() {
				return space.ErrFull
			}
			return nil
		}
		c.Probe = func() error {
			if r.crowded.Load() {
				return syscall.ENOSPC
			}
			return nil
		}
		c.Clock = service.NewClock(func() time.Time { return time.Now().Add(time.Duration(r.ahead.Load())) })
	}
	r.a = must[*clusterNode](t)(r.d.node(t, "A", r.network, shared, faulty))
	r.b = must[*clusterNode](t)(r.d.node(t, "B", r.d.backend, shared))
	r.c = must[*clusterNode](t)(r.d.node(t, "C", r.d.backend, shared))
	time.Sleep(5 * time.Second)
	return r
}

// use sends a request to node A that is not answered.
func (r *checkedNodes) use() {
	go r.a.do("", "GenerateRandom", &api.GenerateRandomRequest{NumberOfBytes: new(int32(1))})
}

// change sends a change to node A, which finds out that it was taken over.
func (r *checkedNodes) change() { r.a.do("", "CreateKey", &api.CreateKeyRequest{}) }

func (r *checkedNodes) close() {
	r.network.Cut(false)
	r.network.Mute(false)
	r.a.events.resume()
	for _, n := range []*clusterNode{r.a, r.b, r.c} {
		n.close()
	}
}

// Material that expires has one warning for each threshold, by one of two nodes, and none again after a restart.
func TestExpiryWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = 24 * time.Hour
		d := newDeployment()
		d.backend = memory.New()
		clock := service.NewClock(time.Now)
		warns := func(c *service.Config) { c.ExpiryAhead, c.Clock = []time.Duration{30 * day, 7 * day, day}, clock }
		open := func(id string) *clusterNode { return must[*clusterNode](t)(d.node(t, id, d.backend, shared, warns)) }
		a, b := open("A"), open("B")
		id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
		in := must[*api.ImportKeyMaterialRequest](t)(a.importRequest("", id))
		in.ExpirationModel, in.ValidTo = new("KEY_MATERIAL_EXPIRES"), api.NewTimestamp(time.Now().Add(40*day))
		must[any](t)(a.do("", "ImportKeyMaterial", in))
		var logs []*logFile
		expect := func(want int) {
			t.Helper()
			n := 0
			for _, l := range append(slices.Clone(logs), a.events, b.events) {
				n += strings.Count(string(l.text), `"eventName":"KeyMaterialExpiryWarning"`)
			}
			if n != want {
				t.Errorf("%d warnings, want %d", n, want)
			}
		}
		restart := func() {
			logs = append(logs, a.events, b.events)
			a.close()
			b.close()
			a, b = open("A"), open("B")
		}
		pass := func(d time.Duration) {
			t.Helper()
			if err := clock.Advance(d); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
		}
		pass(0)
		for i, until := range []time.Duration{10 * day, 23*day - 2*time.Hour, 6*day - 2*time.Hour} {
			pass(until - time.Hour)
			expect(i)
			pass(2 * time.Hour)
			expect(i + 1)
			restart()
			pass(time.Hour)
			expect(i + 1)
		}
		if err := errors.Join(a.Ready(), b.Ready()); err != nil {
			t.Error(err)
		}
		a.close()
		b.close()
		d.verify(t)
	})
}

// A certificate that two nodes share, a root key, and the disk of each node have one warning for each threshold, and none
// again after a restart. A disk that has recovered is warned of again.
func TestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const day = int64(24 * time.Hour / time.Second)
		d := newDeployment()
		d.backend = memory.New()
		left := map[string]*atomic.Int64{"certificate": {}, "root-key": {}, "disk A": {}, "disk B": {}}
		for _, n := range left {
			n.Store(100 * day)
		}
		open := func(id string) *clusterNode {
			read := func(subject, name string, n *atomic.Int64) service.Reading {
				r := service.Reading{Subject: subject, Name: name, Left: n.Load(), Thresholds: []int64{30 * day, 7 * day}, Fact: "fact", Remedy: "remedy"}
				if subject != "disk" {
					r.Ends = time.Now().Add(time.Duration(r.Left) * time.Second)
				}
				return r
			}
			return must[*clusterNode](t)(d.node(t, id, d.backend, shared, func(c *service.Config) {
				c.Readings = func(context.Context) []service.Reading {
					return []service.Reading{
						read("certificate", "ab12", left["certificate"]), read("root-key", "1", left["root-key"]), read("disk", id, left["disk "+id]),
					}
				}
			}))
		}
		a, b := open("A"), open("B")
		var logs []*logFile
		expect := func(certificate, root, disk int) {
			t.Helper()
			time.Sleep(3 * time.Minute)
			for event, want := range map[string]int{"CertificateExpiryWarning": certificate, "RootKeyAgeWarning": root, "DiskSpaceWarning": disk} {
				n := 0
				for _, l := range append(slices.Clone(logs), a.events, b.events) {
					n += strings.Count(string(l.text), `"eventName":"`+event+`"`)
				}
				if n != want {
					t.Errorf("%d %s, want %d", n, event, want)
				}
			}
		}
		restart := func() {
			logs = append(logs, a.events, b.events)
			a.close()
			b.close()
			a, b = open("A"), open("B")
		}
		expect(0, 0, 0)
		left["certificate"].Store(29 * day)
		expect(1, 0, 0)
		left["disk A"].Store(29 * day)
		left["disk B"].Store(6 * day) // below both thresholds at once
		expect(1, 0, 2)
		restart()
		expect(1, 0, 2)
		left["certificate"].Store(7 * day)
		left["root-key"].Store(-day)   // ended
		left["disk A"].Store(31 * day) // not enough to be warned of again
		expect(2, 1, 2)
		left["disk A"].Store(29 * day)
		expect(2, 1, 2)
		left["disk A"].Store(40 * day)
		expect(2, 1, 2)
		left["disk A"].Store(29 * day)
		expect(2, 1, 3)
		a.close()
		b.close()
		d.verify(t)
	})
}
