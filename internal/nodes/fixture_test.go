package nodes

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A cluster is a Backend that several nodes share.
type cluster struct {
	*testing.T
	backend *memory.DB
	sealer  store.Sealer
	store   *store.Store // of the test
	logs    []*logFile   // of each process
	last    *process     // that was opened

	recovered func() // called by open between Recover and Join, unless nil
}

// inCluster runs a test in a bubble.
func inCluster(t *testing.T, test func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
		if err != nil {
			t.Fatal(err)
		}
		c := &cluster{T: t, backend: memory.NewAt(1000), sealer: keyring.Records()}
		c.store = store.New(c.backend, c.sealer)
		test(c)
	})
}

// A logFile is an audit log in memory.
type logFile struct {
	audit.Discard
	mu   sync.Mutex
	text strings.Builder
}

func (f *logFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(p)
}

// lastEvent returns the end of the log. It is the LastEvent of a log that is not in a file.
func (p *process) lastEvent() audit.Mark {
	p.events.mu.Lock()
	defer p.events.mu.Unlock()
	text := p.events.text.String()
	id, _ := audit.ID([]byte(text[strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1:]))
	return audit.Mark{Bytes: int64(len(text)), Event: id}
}

// count returns how often the log has a text.
func (f *logFile) count(text string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Count(f.text.String(), text)
}

// A process is a node.
type process struct {
	*Nodes
	c      *cluster
	faulty *storetest.Faulty
	log    *audit.Log
	events *logFile
	stop   context.CancelFunc
	ended  chan struct{}
	cause  chan error // why the node had to stop
	ahead  atomic.Int64
	next   atomic.Pointer[func(store.Batch) (storetest.Fault, time.Duration)]
}

// faults chooses the faults of the next commits. fn may be nil.
func (p *process) faults(fn func(store.Batch) (storetest.Fault, time.Duration)) { p.next.Store(&fn) }

// open starts a node.
func (c *cluster) open(id string, alter ...func(*Config)) (*process, error) {
	p := &process{c: c, faulty: &storetest.Faulty{Backend: c.backend}, cause: make(chan error, 1), ended: make(chan struct{})}
	c.last = p
	p.faulty.Next = func(b store.Batch) (storetest.Fault, time.Duration) {
		if fn := p.next.Load(); fn != nil && *fn != nil {
			return (*fn)(b)
		}
		return storetest.None, 0
	}
	p.events = &logFile{}
	c.logs = append(c.logs, p.events)
	p.log = audit.New(p.events, audit.Options{})
	s := store.NewShared(p.faulty, c.sealer)
	j := journal.New(s, p.log, slog.New(slog.DiscardHandler), func(err error) { p.cause <- err })
	config := Config{
		Store: s, Journal: j, Log: slog.New(slog.DiscardHandler), ID: id, Address: id + ".example", Version: "v1", LastEvent: p.log.Last,
		Record: func(ctx context.Context, e Event, change func(*store.Tx) error) error {
			return j.Update(ctx, change, audit.Event{EventID: journal.NewEventID(), EventName: e.Name, UserAgent: e.Node})
		},
		Wall: func() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) },
	}
	for _, fn := range alter {
		fn(&config)
	}
	p.Nodes = New(config)
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	go func() { defer close(p.ended); _ = s.Follow(ctx) }()
	synctest.Wait()
	err := p.Enter(c.Context())
	if err == nil {
		err = j.Recover(c.Context())
	}
	if err == nil && c.recovered != nil {
		c.recovered()
	}
	if err == nil {
		err = p.Join(c.Context())
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (c *cluster) start(id string, alter ...func(*Config)) *process {
	c.Helper()
	p, err := c.open(id, alter...)
	if err != nil {
		c.Fatal(err)
	}
	return p
}

// close ends the process in order.
func (p *process) close() {
	p.c.Helper()
	if err := errors.Join(p.log.Close(), p.Close()); err != nil {
		p.c.Error(err)
	}
	p.stop()
	<-p.ended
	if err := p.Journal.Close(); err != nil && p.Journal.Fenced() == nil {
		p.c.Error(err)
	}
}

// kill ends the process without a trace.
func (p *process) kill() {
	p.faulty.Resume()
	p.faulty.Cut(true)
	_ = p.log.Close()
	_ = p.Close()
	p.stop()
	<-p.ended
	_ = p.Journal.Close()
}

// pause stops all that the process does, until resume.
func (p *process) pause() { p.faulty.Pause() }

func (p *process) resume() { p.faulty.Resume() }

// cut takes the process off the network.
func (p *process) cut(cut bool) { p.faulty.Cut(cut) }

// change makes a change, and returns its revision and the time after it.
func (p *process) change() (rev int64, since time.Time, err error) {
	_, rev, since, err = p.changeWithin(p.c.Context())
	return rev, since, err
}

// changeWithin makes a change while the context lives, and returns the ID of its event too.
func (p *process) changeWithin(ctx context.Context) (id string, rev int64, since time.Time, err error) {
	id = journal.NewEventID()
	rev, err = p.Journal.UpdateAt(ctx, 0, func(tx *store.Tx) error {
		return records.Usages.Put(tx, id, records.Usage{EventID: id})
	}, audit.Event{EventID: id})
	return id, rev, time.Now(), err
}

// awaitRevision is Await of what a revision wrote.
func (p *process) awaitRevision(ctx context.Context, rev int64, since time.Time) error {
	var read store.Reads
	read.Note(rev)
	_, err := p.Await(ctx, read, since)
	return err
}

// await makes a change, and returns how long Await takes.
func (p *process) await() time.Duration {
	p.c.Helper()
	rev, since, err := p.change()
	if err == nil {
		err = p.awaitRevision(p.c.Context(), rev, since)
	}
	if err != nil {
		p.c.Error(err)
	}
	return time.Since(since)
}

// members returns what operators see, by the ID of the node.
func (c *cluster) members() map[string]Member {
	c.Helper()
	list, err := List(c.Context(), c.store)
	if err != nil {
		c.Fatal(err)
	}
	all := map[string]Member{}
	for _, m := range list {
		all[m.ID] = m
	}
	return all
}
