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
// keys. It asks for summaries. A server without summaries, or credentials that may not list them, get one request for
// each key.
func (c *connection) imported(ctx context.Context, progress printer) ([]heldMaterial, map[string][]string, error) {
	all, aliases, err := c.summaries(ctx, progress)
	if refused, ok := errors.AsType[*devRefusal](err); !ok || !refused.general() {
		return all, aliases, err
	}
	keys, err := c.keys(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("list keys: %w", err)
	}
	if all, err = c.materials(ctx, keys); err != nil {
		return nil, nil, fmt.Errorf("list the materials of keys: %w", err)
	}
	aliases = map[string][]string{}
	if err := c.eachAlias(ctx, func(name, id string) { aliases[id] = append(aliases[id], name) }); err != nil {
		progress.step("Careful", "the list does not show aliases: %s", factsOf(err).what)
	}
	return all, aliases, nil
}

// summaries does what imported does, by KeyholdAdmin.ListKeySummaries.
func (c *connection) summaries(ctx context.Context, progress printer) ([]heldMaterial, map[string][]string, error) {
	in := api.ListKeySummariesRequest{Origin: new(string(types.OriginTypeExternal)), Limit: new(int32(200))}
	all, aliases, hidden, unnamed := []heldMaterial(nil), map[string][]string{}, 0, false
	for {
		var out api.ListKeySummariesResponse
		if err := c.call(ctx, api.TargetAdmin, "ListKeySummaries", in, &out); err != nil {
			return nil, nil, fmt.Errorf("list summaries of keys: %w", err)
		}
		for _, s := range out.Keys {
			held, err := heldIn(s)
			if err != nil {
				return nil, nil, c.mismatchError()
			}
			all = append(all, held...)
			aliases[*s.KeyMetadata.KeyId] = s.Aliases
			unnamed = unnamed || s.Aliases == nil
		}
		if out.NotShown != nil {
			hidden += int(*out.NotShown)
		}
		if out.NextMarker == nil {
			break
		}
		in.Marker = out.NextMarker
	}
	if hidden > 0 {
		progress.step("Careful", "%d keys with imported material are not listed: the credentials may not describe them", hidden)
	}
	if unnamed {
		progress.step("Careful", "the list does not show aliases: the credentials may not list them")
	}
	return all, aliases, nil
}

// heldIn returns the materials of a summary.
func heldIn(s api.KeySummary) (all []heldMaterial, err error) {
	m := s.KeyMetadata
	if m == nil || m.KeyId == nil || m.KeySpec == nil || m.KeyState == nil {
		return nil, errors.New("a member is missing")
	}
	k := &types.KeyMetadata{
		KeyId: m.KeyId, KeySpec: types.KeySpec(*m.KeySpec), KeyState: types.KeyState(*m.KeyState),
		Origin: types.OriginTypeExternal, CurrentKeyMaterialId: m.CurrentKeyMaterialId, ValidTo: timeOf(m.ValidTo),
		DeletionDate: timeOf(m.DeletionDate), PendingDeletionWindowInDays: m.PendingDeletionWindowInDays,
	}
	if len(s.Materials) == 0 {
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
