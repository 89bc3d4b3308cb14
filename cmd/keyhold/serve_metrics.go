package main

import (
	"context"
	"maps"
	"runtime"
	"time"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/health"
	"github.com/keyhold/keyhold/internal/measure"
	"github.com/keyhold/keyhold/internal/metrics"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/space"
)

// scrapeTime limits what a scrape waits for.
const scrapeTime = 2 * time.Second

// newRequests returns the counters of a server.
func newRequests() *measure.Requests {
	return measure.NewRequests(service.OperationNames(), server.Codes())
}

// readers returns the readers of all metrics of a server.
func (w watched) readers(
	checks *health.Checker, requests *measure.Requests, s *server.Server,
) map[string]metrics.Reader {
	all := metrics.Requests(requests)
	for _, more := range []map[string]metrics.Reader{
		checkReaders(checks), connectionReaders(s.Connections, w.service.Stats), w.serviceReaders(), w.deviceReaders(),
		w.placeReaders(), w.expiryReaders(),
	} {
		maps.Copy(all, more)
	}
	all["keyhold_build_info"] = func(s metrics.Series) { s.Value(1, programVersion(), runtime.Version()) }
	return all
}

func checkReaders(checks *health.Checker) map[string]metrics.Reader {
	run := func() health.Report { return checks.Run(context.Background()) }
	return map[string]metrics.Reader{
		"keyhold_ready": func(s metrics.Series) { s.Bool(run().Ready()) },
		"keyhold_check_passed": func(s metrics.Series) {
			for _, r := range run() {
				s.Bool(r.Err == nil, r.Name)
			}
		},
	}
}

func connectionReaders(connections func() conns.Stats, stats func() service.Stats) map[string]metrics.Reader {
	return map[string]metrics.Reader{
		"keyhold_connections":              func(s metrics.Series) { s.Value(float64(connections().Connections)) },
		"keyhold_connections_limit":        func(s metrics.Series) { s.Value(float64(connections().Max)) },
		"keyhold_unfinished_request_bytes": func(s metrics.Series) { s.Value(float64(connections().Held)) },
		"keyhold_limit_reached_total": func(s metrics.Series) {
			c := connections()
			s.Value(float64(stats().Throttled), "rates")
			s.Value(float64(c.Fulls), "connections")
			s.Value(float64(c.Overdrafts), "request-memory")
		},
	}
}

func (w watched) serviceReaders() map[string]metrics.Reader {
	stats := w.service.Stats
	return map[string]metrics.Reader{
		"keyhold_store_commits_total":          func(s metrics.Series) { s.Value(float64(stats().Store.Commits.Total())) },
		"keyhold_store_commit_conflicts_total": func(s metrics.Series) { s.Value(float64(stats().Store.Conflicts)) },
		"keyhold_store_commit_failures_total":  func(s metrics.Series) { s.Value(float64(stats().Store.Failures)) },
		"keyhold_store_commit_duration_seconds": func(s metrics.Series) {
			s.Durations(stats().Store.Commits)
		},
		"keyhold_feed_age_seconds":  func(s metrics.Series) { s.Value(stats().FeedAge.Seconds()) },
		"keyhold_nodes_alive":       func(s metrics.Series) { s.Value(float64(stats().Alive)) },
		"keyhold_audit_lag_seconds": func(s metrics.Series) { s.Value(stats().AuditLag.Seconds()) },
		"keyhold_disk_full":         func(s metrics.Series) { s.Bool(stats().Full) },
		"keyhold_cache_bytes": func(s metrics.Series) {
			for _, c := range stats().Caches {
				s.Value(float64(c.Bytes), c.Name)
			}
		},
		"keyhold_cache_limit_bytes": func(s metrics.Series) {
			for _, c := range stats().Caches {
				s.Value(float64(c.Limit), c.Name)
			}
		},
		"keyhold_outbox_entries": func(s metrics.Series) {
			ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
			defer cancel()
			if n, err := w.service.Waiting(ctx); err == nil {
				s.Value(float64(n))
			}
		},
	}
}

// deviceReaders returns the readers of the devices that the server has.
func (w watched) deviceReaders() map[string]metrics.Reader {
	all := map[string]metrics.Reader{}
	if f := w.devices.forwarder.Load(); f != nil {
		all["keyhold_audit_forward_lag_seconds"] = func(s metrics.Series) { s.Value(f.Stats().Behind.Seconds()) }
		all["keyhold_audit_forward_lag_lines"] = func(s metrics.Series) { s.Value(float64(f.Lag())) }
		all["keyhold_audit_forward_up"] = func(s metrics.Series) { s.Bool(f.Failing() == nil) }
	}
	if k := w.devices.keeper; k != nil {
		all["keyhold_audit_anchor_lag_lines"] = func(s metrics.Series) { s.Value(float64(k.Lag())) }
		all["keyhold_audit_anchor_up"] = func(s metrics.Series) { s.Bool(k.Failing() == nil) }
	}
	return all
}

// placeReaders returns the readers of what the operator gave the server: custody, volume and certificate.
func (w watched) placeReaders() map[string]metrics.Reader {
	all := map[string]metrics.Reader{
		"keyhold_seal_up": func(s metrics.Series) { s.Bool(w.custody.State().Err == nil) },
		"keyhold_seal_proof_age_seconds": func(s metrics.Series) {
			s.Value(time.Since(w.custody.State().Proved).Seconds())
		},
		"keyhold_disk_free_bytes": func(s metrics.Series) {
			if free, err := space.Free(w.data); err == nil {
				s.Value(float64(free))
			}
		},
	}
	all["keyhold_root_key_age_seconds"] = func(s metrics.Series) {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
		defer cancel()
		if root, err := w.service.RootKey(ctx); err == nil && !root.Made.IsZero() {
			s.Value(w.service.Now().Sub(root.Made).Seconds())
		}
	}
	if w.certificate() != nil {
		all["keyhold_certificate_expiry_seconds"] = func(s metrics.Series) {
			s.Value(time.Until(w.certificate().NotAfter).Seconds())
		}
	}
	return all
}

// expiryReaders returns the readers of what expires. Two accounts can have keys of one ID: the key that expires first
// is shown.
func (w watched) expiryReaders() map[string]metrics.Reader {
	e := w.service.Expiries()
	all := map[string]metrics.Reader{
		"keyhold_material_expiry_seconds": func(s metrics.Series) {
			shown, now := map[[2]string]bool{}, w.service.Now()
			for _, m := range e.Next() {
				if id := [2]string{m.Key.ID, m.Key.Region}; !shown[id] {
					shown[id] = true
					s.Value(m.ValidTo.Sub(now).Seconds(), id[0], id[1])
				}
			}
		},
		"keyhold_expiry_warnings_total": func(s metrics.Series) {
			e.Warnings(func(ahead time.Duration, n uint64) { s.Value(float64(n), ahead.String()) })
		},
	}
	all["keyhold_warnings_total"] = func(s metrics.Series) {
		e.Notices(func(subject string, n uint64) { s.Value(float64(n), subject) })
	}
	if h := w.expiry.hook; h != nil {
		all["keyhold_expiry_hook_failures_total"] = func(s metrics.Series) { s.Value(float64(h.Failures())) }
	}
	return all
}
