package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok/awsimport"
)

// A heldMaterial is a key with one of its materials. The id is empty for a key that only ever has one
// material.
type heldMaterial struct {
	*types.KeyMetadata
	id      string
	state   types.KeyMaterialState
	missing bool
	validTo *time.Time
}

// lost reports whether the key had the material and lost it, by expiry or deletion. For a key that is
// not symmetric, the API does not show whether it ever had material. A key that is scheduled for
// deletion needs no material.
func (m heldMaterial) lost() bool {
	neverImported := m.KeySpec == types.KeySpecSymmetricDefault && m.CurrentKeyMaterialId == nil
	pendingDeletion := m.DeletionDate != nil || m.PendingDeletionWindowInDays != nil
	return m.missing && !neverImported && m.state != waitsForReplicas && !pendingDeletion
}

// waits reports whether the material waits for a rotation.
func (m heldMaterial) waits() bool {
	return m.state == types.KeyMaterialStatePendingRotation || m.state == waitsForReplicas
}

// expiringBy returns first the materials that are lost, and then the materials that expire by end,
// soonest first.
func expiringBy(all []heldMaterial, end time.Time) []heldMaterial {
	var lost, soon []heldMaterial
	for _, m := range all {
		switch {
		case m.lost():
			lost = append(lost, m)
		case m.validTo != nil && !m.validTo.After(end):
			soon = append(soon, m)
		}
	}
	slices.SortStableFunc(soon, func(a, b heldMaterial) int { return a.validTo.Compare(*b.validTo) })
	return append(lost, soon...)
}

// materials returns all imported materials of the keys, with the missing ones.
func (c *connection) materials(ctx context.Context, keys []*types.KeyMetadata) ([]heldMaterial, error) {
	ofKey := make([][]heldMaterial, len(keys))
	err := eachOf(ctx, len(keys), func(ctx context.Context, i int) (err error) {
		if keys[i].Origin == types.OriginTypeExternal {
			ofKey[i], err = c.materialsOf(ctx, keys[i])
		}
		return err
	})
	return slices.Concat(ofKey...), err
}

// materialsOf lists the materials of a key. If the key has no list of materials, or the credentials
// may not read the list, the description of the key shows its current material, or the material that
// expires first.
func (c *connection) materialsOf(ctx context.Context, k *types.KeyMetadata) (all []heldMaterial, err error) {
	alone := heldMaterial{KeyMetadata: k, missing: k.KeyState == types.KeyStatePendingImport, validTo: k.ValidTo}
	if k.CurrentKeyMaterialId == nil {
		return []heldMaterial{alone}, nil
	}
	list, err := awsimport.Materials(ctx, c, *k.KeyId)
	switch {
	case awsimport.IsNotFound(err):
		return nil, nil
	case isCode(err, "AccessDeniedException", "UnsupportedOperationException", "UnknownOperationException"):
		return []heldMaterial{alone}, nil
	}
	for _, m := range list {
		missing := m.ImportState == types.ImportStatePendingImport
		all = append(all, heldMaterial{k, aws.ToString(m.KeyMaterialId), m.KeyMaterialState, missing, m.ValidTo})
	}
	return all, err
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
	pages := kms.NewListKeysPaginator(c, &kms.ListKeysInput{}, func(o *kms.ListKeysPaginatorOptions) {
		o.StopOnDuplicateToken = true
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, k := range page.Keys {
			ids = append(ids, aws.ToString(k.KeyId))
		}
	}
	return ids, nil
}

// maxDescribes bounds the requests for DescribeKey at the same time.
const maxDescribes = 8

// describe describes keys, in the order of their IDs. A key that was removed in the meantime is nil.
// Any other error ends all requests.
func (c *connection) describe(ctx context.Context, ids []string) ([]*types.KeyMetadata, error) {
	keys := make([]*types.KeyMetadata, len(ids))
	err := eachOf(ctx, len(ids), func(ctx context.Context, i int) error {
		out, err := c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &ids[i]})
		switch {
		case awsimport.IsNotFound(err):
			return nil
		case err == nil && out.KeyMetadata != nil && out.KeyMetadata.KeyId != nil:
			keys[i] = out.KeyMetadata
		}
		return err
	})
	return keys, err
}

// eachOf calls ask with the numbers below n, up to maxDescribes at the same time. The first error ends
// all calls.
func eachOf(ctx context.Context, n int, ask func(ctx context.Context, i int) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	next := make(chan int)
	var all sync.WaitGroup
	for range min(maxDescribes, n) {
		all.Go(func() {
			for i := range next {
				if err := ask(ctx, i); err != nil {
					fail(err)
				}
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}
