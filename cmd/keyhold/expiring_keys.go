package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok/awsimport"
)

// expiringBy returns the keys whose material expires by then, soonest first.
func expiringBy(keys []*types.KeyMetadata, end time.Time) []*types.KeyMetadata {
	keys = slices.DeleteFunc(slices.Clone(keys), func(k *types.KeyMetadata) bool {
		return k.ValidTo == nil || k.ValidTo.After(end)
	})
	slices.SortFunc(keys, func(a, b *types.KeyMetadata) int { return a.ValidTo.Compare(*b.ValidTo) })
	return keys
}

// keys returns all keys of the account and Region.
func (c *connection) keys(ctx context.Context) ([]*types.KeyMetadata, error) {
	ids, err := c.keyIDs(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := c.describe(ctx, ids)
	return slices.DeleteFunc(keys, func(k *types.KeyMetadata) bool { return k == nil }), err
}

func (c *connection) keyIDs(ctx context.Context) (ids []string, err error) {
	pages := kms.NewListKeysPaginator(c, &kms.ListKeysInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, k := range page.Keys {
			ids = append(ids, *k.KeyId)
		}
	}
	return ids, nil
}

// describers is how many keys are asked about at a time.
const describers = 8

// describe looks at keys, in the order of their IDs. A key that has gone in the
// meantime is nil; any other failure ends all of it.
func (c *connection) describe(ctx context.Context, ids []string) ([]*types.KeyMetadata, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	keys := make([]*types.KeyMetadata, len(ids))
	next := make(chan int)
	var all sync.WaitGroup
	for range min(describers, len(ids)) {
		all.Go(func() {
			for i := range next {
				out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &ids[i]})
				switch {
				case err == nil:
					keys[i] = out.KeyMetadata
				case !awsimport.IsNotFound(err):
					fail(err)
				}
			}
		})
	}
	for i := range ids {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	all.Wait()
	return keys, context.Cause(ctx)
}
