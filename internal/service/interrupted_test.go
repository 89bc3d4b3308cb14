package service

import (
	"context"
	"crypto/x509"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/webidentity"
)

// An interruption watches how one request uses the store, and calls fn once: before the read or
// commit with the number at. With all numbers in turn, fn is called at each moment that the
// request can notice.
type interruption struct {
	at  int
	fn  func()
	err error // if not nil, the records of that read cannot be read from then on, or that commit fails
	// once limits err to that read or commit.
	once bool
	// damages counts records that are read instead of reads, and damages the one with the number at.
	damages bool

	steps     int
	broken    []string // the records that cannot be read
	failed    []string // the records of the read, or commit, with the number at
	interrupt bool     // fn was called, before the request had committed
	committed bool
	reads     []string // reads of the request before its commit, without the last View
	last      []string // reads of the last View
	checks    []string // checks of the commit
}

type interruptionKey struct{}

func interruptionOf(ctx context.Context) *interruption {
	i, _ := ctx.Value(interruptionKey{}).(*interruption)
	return i
}

// damage counts the records that a read returns, and replaces the value of the broken one.
func (i *interruption) damage(items []store.Item) []store.Item {
	if !i.damages {
		return items
	}
	items = slices.Clone(items)
	for n, item := range items {
		if item.Rev == 0 {
			continue
		}
		if i.steps++; i.steps == i.at && !i.committed {
			i.interrupt, i.broken = true, []string{string(item.Key)}
		}
		if slices.Contains(i.broken, string(item.Key)) {
			// Another revision, because memory has the opened records that the Store has written itself.
			items[n].Value, items[n].Rev = []byte("damaged"), item.Rev+1
		}
	}
	return items
}

// step counts a read or a commit. It returns i.err if the step needs a broken record.
func (i *interruption) step(records ...string) error {
	if i.damages {
		return nil
	}
	if i.steps++; i.steps == i.at && !i.committed {
		i.interrupt = true
		i.fn()
		i.broken, i.failed = records, records
	}
	if slices.ContainsFunc(records, func(r string) bool { return slices.Contains(i.broken, r) }) {
		if i.once {
			i.broken = nil
		}
		return i.err
	}
	return nil
}

// An interrupted Backend calls the interruption in the context of a request.
type interrupted struct{ store.Backend }

func (b interrupted) View(ctx context.Context, fn func(store.Reader) error) error {
	i := interruptionOf(ctx)
	if i == nil {
		return b.Backend.View(ctx, fn)
	}
	if !i.committed {
		i.reads, i.last = append(i.reads, i.last...), nil
	}
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(interruptedReader{r, i}) })
}

func (b interrupted) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	i := interruptionOf(ctx)
	if i == nil {
		return b.Backend.Commit(ctx, batch)
	}
	if err := i.step("the commit"); err != nil {
		return 0, err
	}
	rev, err := b.Backend.Commit(ctx, batch)
	if err == nil && !i.committed {
		i.committed = true
		for _, c := range batch.Checks {
			i.checks = append(i.checks, string(c.Key))
		}
	}
	return rev, err
}

type interruptedReader struct {
	store.Reader
	i *interruption
}

func (r interruptedReader) Get(keys ...[]byte) ([]store.Item, error) {
	paths := make([]string, len(keys))
	for i, key := range keys {
		paths[i] = string(key)
	}
	if err := r.i.step(paths...); err != nil {
		return nil, err
	}
	for _, path := range paths {
		r.note(path)
	}
	items, err := r.Reader.Get(keys...)
	return r.i.damage(items), err
}

func (r interruptedReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if err := r.i.step(string(from) + " to " + string(to)); err != nil {
		return nil, err
	}
	items, err := r.Reader.Scan(from, to, limit)
	for _, item := range items {
		r.note(string(item.Key))
	}
	return r.i.damage(items), err
}

func (r interruptedReader) note(key string) {
	if !r.i.committed && !slices.Contains(r.i.last, key) {
		r.i.last = append(r.i.last, key)
	}
}

// newInterruptibleTest returns an accessTest on a Backend that can be interrupted. The service
// has the operations of a dev server. The root of home has an access key, which can be disabled.
func newInterruptibleTest(t *testing.T) (accessTest, interruptible) {
	t.Helper()
	d := interruptible{Backend: memory.New(), slots: memory.NewSlots(), root: seal.NewEphemeralRoot()}
	c := d.open(t)
	c.update(func(tx *store.Tx) error {
		return records.AccessKeys.Put(tx, rootKey, identity.StoredKey{Account: homeAccount, Secret: "secret"})
	})
	return c, d
}

// An interruptible deployment can be opened again.
type interruptible struct {
	store.Backend
	slots store.Slots
	root  seal.Root
	web   http.RoundTripper // to the OIDC provider
}

func (d interruptible) open(t *testing.T) accessTest {
	t.Helper()
	return accessTest{people{t, openLike(t, func(c *Config) {
		c.WebIdentity = webidentity.New(func(*x509.CertPool) http.RoundTripper { return d.web }, time.Now)
		c.Backend, c.Slots, c.Root, c.Dev, c.DevAccount = interrupted{d.Backend}, d.slots, d.root, true, homeAccount
	})}}
}

const rootKey = "AKIAROOT"

// rootWithKey returns the root with its access key.
func (c accessTest) rootWithKey() actor {
	c.Helper()
	k, ok, err := c.AccessKey(c.Context(), rootKey)
	if err != nil || !ok {
		c.Fatal(ok, err)
	}
	return actor{accessTest: c, who: k.Principal}
}

// interruptedBy carries out an operation with a context that has the interruption.
func (a actor) interruptedBy(i *interruption, operation, on string, members ...string) error {
	a.Helper()
	_, err := a.answerDespite(i, operation, on, members...)
	return err
}

// answerDespite is interruptedBy that also returns the answer.
func (a actor) answerDespite(i *interruption, operation, on string, members ...string) (any, error) {
	a.Helper()
	op, in := a.request(operation, on, members...)
	r := Request{Caller: identity.Caller{Principal: a.who, Region: "eu-west-2"}, SourceIP: "192.0.2.1", Secure: true, Operation: op, Input: in}
	if a.change != nil {
		a.change(&r)
	}
	return a.Do(context.WithValue(a.Context(), interruptionKey{}, i), r)
}

// dump returns the revisions of all records, except records that no decision and no change of a
// request concerns.
func dump(t *testing.T, b store.Backend) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	err := b.View(t.Context(), func(r store.Reader) error {
		items, err := r.Scan(nil, nil, 1<<20)
		for _, item := range items {
			if kind, _, _ := strings.Cut(string(item.Key), "/"); !slices.Contains([]string{"outbox", "usage", "access-key-usage", "erase"}, kind) {
				all[string(item.Key)] = item.Rev
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
