package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/api"
)

// imported returns all imported materials in the account and Region, with the missing ones, and the aliases of their
// keys. Unless the server answers with summaries of all keys, imported sends a request for each key. These requests
// belong to the KMS API, and their errors name the permission that is missing.
func (c *connection) imported(ctx context.Context, progress printer) ([]heldMaterial, map[string][]string, error) {
	if !c.aws {
		if all, aliases, err := c.summaries(ctx); err == nil {
			return all, aliases, nil
		}
	}
	keys, err := c.keys(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list keys: %w", err)
	}
	all, err := c.materials(ctx, keys)
	if err != nil {
		return nil, nil, fmt.Errorf("list the materials of keys: %w", err)
	}
	aliases := map[string][]string{}
	if err := c.eachAlias(ctx, func(name, id string) { aliases[id] = append(aliases[id], name) }); err != nil {
		progress.step("Careful", "the list does not show aliases: %s", factsOf(err).what)
	}
	return all, aliases, nil
}

// errNotShown means that summaries leave out keys, or aliases.
var errNotShown = errors.New("the credentials may not describe all keys, or may not list aliases")

// summaries does what imported does, by KeyholdAdmin.ListKeySummaries.
func (c *connection) summaries(ctx context.Context) (all []heldMaterial, aliases map[string][]string, err error) {
	in := api.ListKeySummariesRequest{Origin: new(string(types.OriginTypeExternal)), Limit: new(int32(200))}
	aliases = map[string][]string{}
	for {
		var out api.ListKeySummariesResponse
		if err := c.call(ctx, api.TargetAdmin, "ListKeySummaries", in, &out); err != nil {
			return nil, nil, err
		}
		if out.NotShown == nil || *out.NotShown > 0 {
			return nil, nil, errNotShown
		}
		for _, s := range out.Keys {
			held, err := heldIn(s)
			if err != nil {
				return nil, nil, err
			}
			all = append(all, held...)
			aliases[*s.KeyMetadata.KeyId] = s.Aliases
		}
		if out.NextMarker == nil {
			return all, aliases, nil
		}
		if !follows(in.Marker, out.NextMarker) {
			return nil, nil, c.mismatchError()
		}
		in.Marker = out.NextMarker
	}
}

// heldIn returns the materials of a summary.
func heldIn(s api.KeySummary) (all []heldMaterial, err error) {
	m := s.KeyMetadata
	if m == nil || m.KeyId == nil || m.KeySpec == nil || m.KeyState == nil {
		return nil, errors.New("a summary lacks a member")
	}
	if s.Aliases == nil {
		return nil, errNotShown
	}
	k := &types.KeyMetadata{
		KeyId: m.KeyId, KeySpec: types.KeySpec(*m.KeySpec), KeyState: types.KeyState(*m.KeyState),
		Origin: types.OriginTypeExternal, CurrentKeyMaterialId: m.CurrentKeyMaterialId, ValidTo: timeOf(m.ValidTo),
		DeletionDate: timeOf(m.DeletionDate), PendingDeletionWindowInDays: m.PendingDeletionWindowInDays,
	}
	if len(s.Materials) == 0 { // the key can have one material only, or its materials may not be listed
		return []heldMaterial{{KeyMetadata: k, missing: k.KeyState == types.KeyStatePendingImport, validTo: k.ValidTo}}, nil
	}
	for _, m := range s.Materials {
		all = append(all, heldMaterial{
			KeyMetadata: k, id: aws.ToString(m.KeyMaterialId), state: types.KeyMaterialState(aws.ToString(m.KeyMaterialState)),
			missing: aws.ToString(m.ImportState) == string(types.ImportStatePendingImport), validTo: timeOf(m.ValidTo),
		})
	}
	return all, nil
}

func timeOf(t *api.Timestamp) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.Time())
}
