package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
)

// putToUse finds out the state of the imported material, rotates the key if
// requested, and prints the remaining steps.
func (o *importOptions) putToUse(ctx context.Context, server *connection, w *byok.Wrapped, r *result, progress printer) error {
	state, err := stateOf(ctx, server, w, r.KeyMaterialId)
	if err != nil {
		return fmt.Errorf("the import was accepted: %w", err)
	}
	if o.rotate {
		if state, err = rotate(ctx, server, w, state, r.KeyMaterialId, progress); err != nil {
			return fmt.Errorf("the import was accepted, but the key was not rotated: %w", err)
		}
	}
	if o.newMaterial || state != types.KeyMaterialStateCurrent {
		r.KeyMaterialState = state
	}
	k, err := awsimport.Find(ctx, server, w.KeyARN)
	switch {
	case err != nil:
		return fmt.Errorf("the import was accepted: %w", err)
	case k.KeyState == types.KeyStatePendingImport:
		r.idle = "other material of the key is missing"
		progress.step("Missing", "other material of the key: the key stays pending import until all of it is imported again. To see what is missing:")
		progress.more("aws kms list-key-rotations --include-key-material ALL_KEY_MATERIAL --key-id %s", w.KeyARN)
	case state == types.KeyMaterialStatePendingRotation, state == waitsForReplicas:
		r.idle = "it waits"
		sayWaiting(k, state, progress)
	case state != types.KeyMaterialStateCurrent:
		r.idle = "other material is the current one"
	}
	return nil
}

// waitsForReplicas is the state of material in a multi-Region key that some replica
// does not have yet.
const waitsForReplicas = types.KeyMaterialStatePendingMultiRegionImportAndRotation

// sayWaiting prints the steps that make waiting material current.
func sayWaiting(k *types.KeyMetadata, state types.KeyMaterialState, progress printer) {
	progress.step("Waits", "the key keeps its current material. To make this material the current one:")
	if state == waitsForReplicas {
		progress.more("import the same material into each replica key, with --region: %s", strings.Join(replicaRegions(k), ", "))
	}
	if m := k.MultiRegionConfiguration; m != nil && m.MultiRegionKeyType == types.MultiRegionKeyTypeReplica {
		progress.more("aws kms rotate-key-on-demand --region %s --key-id %s", aws.ToString(m.PrimaryKey.Region), aws.ToString(m.PrimaryKey.Arn))
		return
	}
	progress.more("aws kms rotate-key-on-demand --key-id %s", aws.ToString(k.Arn))
	progress.more("or run the same command with --rotate in place of --new-material")
	progress.more("%s", keepAll)
}

// keepAll is what the owner of a key with several materials must know.
const keepAll = "keep the older material imported and unexpired: the key works only while it has all of its material (keyhold expiring)"

func replicaRegions(k *types.KeyMetadata) (regions []string) {
	if k.MultiRegionConfiguration != nil {
		for _, r := range k.MultiRegionConfiguration.ReplicaKeys {
			regions = append(regions, aws.ToString(r.Region))
		}
	}
	return regions
}

// stateOf returns the state of a material: most often it is the one that the key shows.
func stateOf(ctx context.Context, server *connection, w *byok.Wrapped, materialID string) (types.KeyMaterialState, error) {
	k, err := awsimport.Find(ctx, server, w.KeyARN)
	if err != nil || k.CurrentKeyMaterialId == nil || *k.CurrentKeyMaterialId == materialID {
		return types.KeyMaterialStateCurrent, err
	}
	all, err := awsimport.Materials(ctx, server, aws.ToString(k.KeyId))
	if err != nil {
		return "", err
	}
	for _, m := range all {
		if aws.ToString(m.KeyMaterialId) == materialID {
			return m.KeyMaterialState, nil
		}
	}
	return "", &refusal{"NotProved", fmt.Sprintf("the server does not list the key material %s, although the ID comes from this server", materialID)}
}

// rotate makes waiting material current, after it is proved to be the material that
// was wrapped.
func rotate(ctx context.Context, server *connection, w *byok.Wrapped, state types.KeyMaterialState, materialID string, progress printer) (types.KeyMaterialState, error) {
	switch state {
	case types.KeyMaterialStateCurrent:
		progress.step("Rotated", "not needed: this is already the current material")
		return state, nil
	case types.KeyMaterialStatePendingRotation:
	case waitsForReplicas:
		return state, &refusal{"NotEverywhere", fmt.Sprintf("the key material %s is not in every replica key", materialID)}
	default:
		return state, &refusal{"NotWaiting", fmt.Sprintf("the key material %s is in the state %s", materialID, state)}
	}
	if !server.aws {
		if err := awsimport.CheckID(w, materialID); err != nil {
			return state, err
		}
	}
	if err := awsimport.Rotate(ctx, server, w.KeyARN); err != nil {
		return state, err
	}
	progress.step("Rotated", "this is now the current material; earlier material still decrypts the ciphertexts that it made")
	progress.more("%s", keepAll)
	return types.KeyMaterialStateCurrent, nil
}
