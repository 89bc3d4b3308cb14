package service_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A start without Regions serves the Regions of the last start.
func TestServeRegions(t *testing.T) {
	d := newDeployment()
	log := audit.New(audit.Discard{}, audit.Options{})
	s := d.open(t, log)
	for _, start := range []struct{ given, served []string }{
		{nil, []string{service.DefaultRegion}},
		{[]string{"eu-west-2", "us-east-1"}, []string{"eu-west-2", "us-east-1"}},
		{nil, []string{"eu-west-2", "us-east-1"}},
		{[]string{tokyo}, []string{tokyo}},
		{[]string{}, []string{tokyo}},
	} {
		served, err := s.ServeRegions(t.Context(), start.given)
		if err != nil || !slices.Equal(served, start.served) {
			t.Errorf("%q: %q, %v", start.given, served, err)
		}
		for _, region := range []string{"us-east-1", "eu-west-2", tokyo, "", "eu-west-22"} {
			if s.Serves(region) != slices.Contains(start.served, region) {
				t.Errorf("%q: served is %s: %v", start.given, region, s.Serves(region))
			}
		}
	}
	if err := errors.Join(log.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

// A server starts with other Regions even on a full disk.
func TestServeRegionsOnAFullDisk(t *testing.T) {
	d := newDeployment()
	backend := &fullBackend{Backend: memory.New()}
	d.backend = backend
	log := audit.New(audit.Discard{}, audit.Options{})
	s := d.open(t, log)
	backend.full = true
	if served, err := s.ServeRegions(t.Context(), []string{tokyo}); err != nil || !slices.Equal(served, []string{tokyo}) || !s.Serves(tokyo) {
		t.Error(served, err)
	}
	backend.full = false
	if served, err := s.ServeRegions(t.Context(), nil); err != nil || !slices.Equal(served, []string{service.DefaultRegion}) {
		t.Error("the server remembers Regions that were not stored:", served, err)
	}
	if err := errors.Join(log.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

type fullBackend struct {
	store.Backend
	full bool
}

func (b *fullBackend) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	if b.full {
		return 0, space.ErrFull
	}
	return b.Backend.Commit(ctx, batch)
}

// Keys of all accounts are found in all Regions that are not served. One key of each account in
// each Region is read, however many keys there are.
func TestUnservedRegions(t *testing.T) {
	d := newDeployment()
	counted := &countingBackend{Backend: d.backend}
	d.backend = counted
	log := audit.New(audit.Discard{}, audit.Options{})
	s := d.open(t, log)
	if unserved, err := s.UnservedRegions(t.Context()); err != nil || len(unserved) > 0 {
		t.Error("without keys:", unserved, err)
	}
	for _, region := range []string{"eu-west-2", tokyo, "us-east-1"} {
		for i := range 3 {
			for range 2 {
				createIn(t, s, fmt.Sprintf("11112222333%d", i), region)
			}
		}
	}
	for _, c := range []struct{ served, want []string }{
		{[]string{"us-east-1"}, []string{tokyo, "eu-west-2"}},
		{[]string{"us-east-1", "eu-west-2", tokyo}, nil},
		{[]string{"eu-central-1"}, []string{tokyo, "eu-west-2", "us-east-1"}},
	} {
		must[[]string](t)(s.ServeRegions(t.Context(), c.served))
		if unserved, err := s.UnservedRegions(t.Context()); err != nil || !slices.Equal(unserved, c.want) {
			t.Errorf("%q: %q, %v", c.served, unserved, err)
		}
	}
	before := counted.scanned.Load()
	must[[]string](t)(s.UnservedRegions(t.Context()))
	if n := counted.scanned.Load() - before; n != 9 {
		t.Errorf("%d keys were read of three accounts in three Regions", n)
	}
	before = counted.scanned.Load()
	if unserved, err := s.UnservedRegionsOf(t.Context(), 2); err != nil || len(unserved) > 2 || counted.scanned.Load()-before != 2 {
		t.Errorf("%q, %v, of %d keys, not 2", unserved, err, counted.scanned.Load()-before)
	}
	if err := errors.Join(log.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

// countingBackend counts the items that scans return, except background scans.
type countingBackend struct {
	store.Backend
	scanned atomic.Int64
}

func (b *countingBackend) View(ctx context.Context, fn func(store.Reader) error) error {
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(countingReader{r, b}) })
}

type countingReader struct {
	store.Reader
	of *countingBackend
}

func (r countingReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	items, err := r.Reader.Scan(from, to, limit)
	if bytes.HasPrefix(from, []byte("key/")) {
		r.of.scanned.Add(int64(len(items)))
	}
	return items, err
}

// createIn makes a key of an account in a Region.
func createIn(t *testing.T, s *service.Service, account, region string) {
	t.Helper()
	op, _ := s.Find("CreateKey")
	must[any](t)(s.Do(t.Context(), service.Request{
		ID: "request", Caller: identity.Caller{Principal: identity.Root(account), Region: region}, Operation: op, Input: &api.CreateKeyRequest{},
	}))
}
