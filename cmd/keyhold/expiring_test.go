package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go/middleware"

	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/kmstest"
)

// TestExpiringLooksAtAllPages checks that the command lists the keys of all pages in order, with
// several requests at a time, up to a limit.
func TestExpiringLooksAtAllPages(t *testing.T) {
	s := kmstest.Start(t)
	var want []string
	for range 205 { // a page holds 100
		out, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Origin: "EXTERNAL"})
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, *out.KeyMetadata.KeyId)
	}
	last := want[len(want)-1]
	validTo := s.Now().Add(time.Hour)
	importInto(t, s, last, validTo)

	requests := &concurrency{}
	c := &connection{Client: kms.New(s.Client.Options(), kms.WithAPIOptions(requests.watch))}
	keys, err := c.keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range keys {
		got = append(got, *k.KeyId)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d keys, not %d", len(got), len(want))
	}
	if requests.max > maxDescribes || requests.max < 2 {
		t.Errorf("%d requests at a time", requests.max)
	}
	materials, err := c.materials(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	options := s.Client.Options()
	c = &connection{Client: s.Client, endpoint: *options.BaseEndpoint, region: options.Region, credentials: options.Credentials}
	summaries, _, err := c.summaries(t.Context())
	if err != nil || len(summaries) != len(materials) {
		t.Errorf("%d summaries, %v", len(summaries), err)
	}
	if soon := expiringBy(summaries, validTo); len(soon) != 1 || *soon[0].KeyId != last {
		t.Errorf("by summaries, %d keys expire", len(soon))
	}
	if len(materials) != len(keys) {
		t.Errorf("%d materials", len(materials))
	}
	for end, n := range map[time.Time]int{validTo.Add(-time.Second): 0, validTo.Add(time.Second): 1} {
		if soon := expiringBy(materials, end); len(soon) != n || n == 1 && *soon[0].KeyId != last {
			t.Errorf("%d keys expire by %v", len(soon), end)
		}
	}
}

func importInto(t *testing.T, s *kmstest.Server, keyID string, validTo time.Time) {
	t.Helper()
	k, err := awsimport.Find(t.Context(), s.Client, keyID)
	if err != nil {
		t.Fatal(err)
	}
	p, err := awsimport.GetParameters(t.Context(), s.Client, k, awsimport.Wrapping{KeySpec: "RSA_2048"})
	if err != nil {
		t.Fatal(err)
	}
	w, err := p.Wrap(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := awsimport.Import(t.Context(), s.Client, w, validTo); err != nil {
		t.Fatal(err)
	}
}

// concurrency counts requests that run at the same time.
type concurrency struct {
	sync.Mutex
	now, max int
}

func (c *concurrency) watch(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("concurrency", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		c.add(1)
		defer c.add(-1)
		return next.HandleInitialize(ctx, in)
	}), middleware.Before)
}

func (c *concurrency) add(n int) {
	c.Lock()
	defer c.Unlock()
	c.now += n
	c.max = max(c.max, c.now)
}

// TestExpiringIsAllOrNothing checks that the command prints no list if the caller may not describe
// one of the keys.
func TestExpiringIsAllOrNothing(t *testing.T) {
	s := kmstest.Start(t)
	for range 3 * maxDescribes {
		if _, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{}); err != nil {
			t.Fatal(err)
		}
	}
	refused := errors.New("refused")
	refuse := func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("refuse", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			if _, ok := in.Parameters.(*kms.DescribeKeyInput); ok {
				return middleware.InitializeOutput{}, middleware.Metadata{}, refused
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	}
	c := &connection{Client: kms.New(s.Client.Options(), kms.WithAPIOptions(refuse))}
	if _, err := c.keys(t.Context()); !errors.Is(err, refused) {
		t.Error(err)
	}
}
