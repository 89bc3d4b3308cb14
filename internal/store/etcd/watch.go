package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/metadata"

	"github.com/google/uuid"
	"github.com/keyhold/keyhold/internal/store"
)

// askAgain is the time between two questions of a watcher how far it has been told.
const askAgain = 20 * time.Millisecond

// errLeft ends a watch whose member does not answer.
var errLeft = errors.New("etcd: the member of the watch does not answer, and reads go to another one")

// Watch implements [store.Backend.Watch]. It ends if its member is behind and reads have left the member. If the
// only member has stopped without notice, it does not end. The caller notices that it is told no more revisions.
func (b *Backend) Watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	leave, err := b.enter(ctx)
	if err != nil {
		return err
	}
	newest, err := b.asker.Ask(ctx)
	leave()
	if err != nil {
		return err
	}
	if after < 0 || after > newest {
		return store.ErrCompacted
	}
	bounded, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(b.life, cancel)()
	err = b.watch(bounded, after, fn)
	switch {
	case ctx.Err() != nil && bounded.Err() != nil && errors.Is(err, context.Canceled):
		return ctx.Err()
	case b.life.Err() != nil && errors.Is(err, context.Canceled):
		return store.ErrClosed
	}
	return err
}

// watch runs one watcher on a stream of its own: etcd tells the progress of a stream only when all of its
// watchers have caught up. The stream ends when its member has lost the leader.
func (b *Backend) watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "keyhold-watch", uuid.NewString())
	ctx = clientv3.WithRequireLeader(ctx) // the context of each question, too: its metadata names the stream
	member, _ := b.members.now()
	client, _, err := member.connect()
	if err != nil {
		return fmt.Errorf("etcd: %v", err)
	}
	changes := client.Watch(ctx, b.names.record(nil), clientv3.WithRange(b.names.recordsEnd()),
		clientv3.WithRev(after+1))
	q := newQueue(maxQueued, fn)
	defer q.start(ctx)()
	w := watcher{b: b, member: member, told: after, fn: q.add, ask: func() error { return client.RequestProgress(ctx) }}
	timer := time.NewTicker(askAgain)
	defer timer.Stop()
	for {
		news := b.head.news()
		if err := w.askIfBehind(); err != nil {
			return orEnded(ctx, err)
		}
		select {
		case response, open := <-changes:
			if !open {
				return orEnded(ctx, errors.New("etcd: the watch has ended"))
			}
			if err := w.tell(response); err != nil {
				return err
			}
		case <-q.ended:
			return q.err
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// orEnded returns the error of ctx, if there is one, in place of the error that it caused.
func orEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// A watcher passes the responses of one watch on.
type watcher struct {
	b      *Backend
	member *member
	told   int64
	fn     func(store.Change) error
	ask    func() error
	asked  time.Time
	behind time.Time // since when a View or Commit has shown a newer revision than told; zero if none has
}

// askIfBehind asks how far the watcher has been told, if a View or Commit has shown a newer revision. The
// question is repeated, because a member that has not reached the revision answers with an older one.
func (w *watcher) askIfBehind() error {
	now := time.Now()
	if w.told >= w.b.head.revision() {
		w.behind = time.Time{}
		return nil
	}
	if w.behind.IsZero() {
		w.behind = now
	}
	if current, _ := w.b.members.now(); current != w.member && now.Sub(w.behind) > firstTry {
		return errLeft
	}
	if now.Sub(w.asked) < askAgain {
		return nil
	}
	w.asked = now
	return w.ask()
}

// tell passes a response on: the changes of each revision together, or how far the watcher has been told.
func (w *watcher) tell(r clientv3.WatchResponse) error {
	if r.CompactRevision != 0 {
		return store.ErrCompacted
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	if err := w.b.isOurs(r.Header); err != nil {
		return err
	}
	for events := r.Events; len(events) > 0; {
		c := store.Change{Rev: events[0].Kv.ModRevision}
		for len(events) > 0 && events[0].Kv.ModRevision == c.Rev {
			c.Keys = append(c.Keys, w.b.names.own(string(events[0].Kv.Key)))
			events = events[1:]
		}
		w.told = c.Rev
		if err := w.fn(c); err != nil {
			return err
		}
	}
	if !r.IsProgressNotify() || r.Header.Revision <= w.told {
		return nil
	}
	w.told = r.Header.Revision
	return w.fn(store.Change{Rev: w.told})
}
