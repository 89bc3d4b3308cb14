// Package expiries warns of imported key material that expires soon, and of a certificate, a root key or a disk that
// runs out: by a line of the log, an event, and a hook. Each of these has one warning for each threshold, by one node.
// The package finds the materials by the index of due times, so its work does not grow with the number of keys. It
// changes no key and destroys nothing.
package expiries

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// EventName is the name of the event of a warning.
const EventName = "KeyMaterialExpiryWarning"

// The times and bounds of a Watcher.
const (
	tick       = time.Second // between looks at the clock, which can be moved on a dev server
	leastPause = time.Minute // between two passes
	workShare  = 100         // a pass may take this part of the time: one part in workShare
	pageSize   = 100         // entries of the index that are read at a time
	mostShown  = 100         // materials that Next returns
	mostBeyond = 1000        // entries beyond the longest threshold that a pass reads to find materials for Next
)

// A Config configures a Watcher. All fields must be set, except Warned and Readings.
type Config struct {
	Store   *store.Store
	Journal *journal.Journal
	Log     *slog.Logger
	Now     func() time.Time       // the clock of keys
	May     func() bool            // whether this node can warn now
	Mine    func(path string) bool // whether this node warns about the key at a path
	Callers *Callers
	// Ahead are the times before an expiry at which to warn, the longest first. Without any, there are no warnings of
	// key material.
	Ahead []time.Duration
	// Event returns an event about a key without its details.
	Event func(name string, k key.Key, now time.Time) audit.Event
	// Readings returns the readings of this server.
	Readings func(context.Context) []Reading
	// ServerEvent returns an event about the server without its details.
	ServerEvent func(name string, now time.Time) audit.Event
	// Warned is called after each warning with the name and the details of its event, and must not wait.
	Warned func(event string, details any)
}

// A Watcher warns of material that expires soon.
type Watcher struct {
	Config
	next     atomic.Pointer[[]Material]
	warnings []atomic.Uint64           // by index of Ahead
	notices  map[string]*atomic.Uint64 // by subject
}

// A Material is imported key material that expires.
type Material struct {
	Key     key.Key
	ID      string
	ValidTo time.Time
}

// New returns a Watcher.
func New(c Config) *Watcher {
	w := &Watcher{Config: c, warnings: make([]atomic.Uint64, len(c.Ahead)), notices: map[string]*atomic.Uint64{}}
	for subject := range noticeEvents {
		w.notices[subject] = new(atomic.Uint64)
	}
	w.next.Store(&[]Material{})
	return w
}

// Next returns the materials that expire next, as of the last pass, at most a hundred.
func (w *Watcher) Next() []Material { return *w.next.Load() }

// Warnings calls fn with the number of warnings of this process for each threshold.
func (w *Watcher) Warnings(fn func(ahead time.Duration, n uint64)) {
	for i, ahead := range w.Ahead {
		fn(ahead, w.warnings[i].Load())
	}
}

// Notices calls fn with the number of warnings of this process for each subject besides key material.
func (w *Watcher) Notices(fn func(subject string, n uint64)) {
	for _, subject := range slices.Sorted(maps.Keys(w.notices)) {
		fn(subject, w.notices[subject].Load())
	}
}

func (w *Watcher) count(subject string) { w.notices[subject].Add(1) }

// Run warns until ctx ends. It rests a hundred times as long as a pass takes, and at least a minute on the clock of
// keys.
func (w *Watcher) Run(ctx context.Context) {
	if len(w.Ahead) == 0 && w.Readings == nil {
		return
	}
	clock := time.NewTicker(tick)
	defer clock.Stop()
	var rest time.Time // wall time
	var due time.Time  // on the clock of keys
	for {
		if now := w.Now(); !now.Before(due) && time.Now().After(rest) {
			begun := time.Now()
			if err := w.Pass(ctx); err != nil && ctx.Err() == nil {
				w.Log.Error("the server could not look for what expires; it tries again", "error", err)
			}
			took := time.Since(begun)
			rest, due = time.Now().Add(workShare*took), now.Add(leastPause)
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
			return
		}
	}
}

// threshold returns the index of the shortest threshold that has come for an expiry, or -1.
func threshold(ahead []time.Duration, left time.Duration) (index int) {
	index = -1
	for i, a := range ahead {
		if left <= a {
			index = i
		}
	}
	return index
}

// earliest sorts materials by expiry and returns at most most of them.
func earliest(all []Material, most int) []Material {
	slices.SortStableFunc(all, func(a, b Material) int { return a.ValidTo.Compare(b.ValidTo) })
	return all[:min(len(all), most)]
}
