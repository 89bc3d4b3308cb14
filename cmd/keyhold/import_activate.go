package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok/awsimport"
)

// activate describes the key after the import, rotates the key with --rotate, and reports
// why the server does not use the material if it does not.
func (r *importRun) activate(ctx context.Context) (err error) {
	if r.key, err = awsimport.Find(ctx, r.server, r.wrapped.KeyARN); err == nil {
		r.state, err = r.materialState(ctx)
	}
	if err != nil {
		return fmt.Errorf("the import was accepted: %w", err)
	}
	if r.rotate {
		if err := r.rotateKey(ctx); err != nil {
			return fmt.Errorf("the import was accepted, but the key was not rotated: %w", err)
		}
	}
	r.reportUse()
	return nil
}

// materialState returns the state of the imported material. The description of the key shows
// the current material; only a list shows other material.
func (r *importRun) materialState(ctx context.Context) (types.KeyMaterialState, error) {
	if r.key.CurrentKeyMaterialId == nil || *r.key.CurrentKeyMaterialId == r.materialID {
		return types.KeyMaterialStateCurrent, nil
	}
	all, err := awsimport.Materials(ctx, r.server, aws.ToString(r.key.KeyId))
	if err != nil {
		return "", err
	}
	for _, m := range all {
		if aws.ToString(m.KeyMaterialId) == r.materialID {
			return m.KeyMaterialState, nil
		}
	}
	return "", &refusal{"NotProved",
		fmt.Sprintf("the server does not list the key material %s, although the ID comes from this server", r.materialID)}
}

// waitsForReplicas is the state of material that is not in every replica of a multi-Region key.
const waitsForReplicas = types.KeyMaterialStatePendingMultiRegionImportAndRotation

// rotateKey makes waiting material current. It checks first that the server has the material
// that was wrapped.
func (r *importRun) rotateKey(ctx context.Context) error {
	switch r.state {
	case types.KeyMaterialStateCurrent:
		r.progress.step("Rotated", "not needed: this is already the current material")
		return nil
	case types.KeyMaterialStatePendingRotation:
	case waitsForReplicas:
		return &refusal{"NotEverywhere", fmt.Sprintf("the key material %s is not in every replica key", r.materialID)}
	default:
		return &refusal{"NotWaiting", fmt.Sprintf("the key material %s is in the state %s", r.materialID, r.state)}
	}
	if !r.server.aws {
		if err := awsimport.CheckID(r.wrapped, r.materialID); err != nil {
			return err
		}
	}
	if err := awsimport.Rotate(ctx, r.server, r.wrapped.KeyARN); err != nil {
		return err
	}
	r.state = types.KeyMaterialStateCurrent
	r.progress.step("Rotated",
		"this is now the current material; earlier material still decrypts the ciphertexts that it made")
	r.progress.more("%s", keepAll)
	return nil
}

// reportUse sets r.idle, and prints the steps that remain for the owner of the key.
func (r *importRun) reportUse() {
	switch {
	case r.key.KeyState == types.KeyStatePendingImport:
		r.idle = "other material of the key is missing"
		r.progress.step("Missing", "other material of the key: the key stays pending import "+
			"until all of it is imported again. To list all material of the key:")
		r.progress.more("aws kms list-key-rotations --include-key-material ALL_KEY_MATERIAL --key-id %s", r.wrapped.KeyARN)
	case r.state == types.KeyMaterialStatePendingRotation, r.state == waitsForReplicas:
		r.idle = "it waits"
		r.reportWaiting()
	case r.state != types.KeyMaterialStateCurrent:
		r.idle = "other material is the current one"
	}
}

// reportWaiting prints the steps that make waiting material current.
func (r *importRun) reportWaiting() {
	r.progress.step("Waits", "the key keeps its current material. To make this material the current one:")
	m := r.key.MultiRegionConfiguration
	if r.state == waitsForReplicas {
		r.progress.more("import the same material into each replica key, with --region: %s",
			strings.Join(replicaRegions(m), ", "))
	}
	if m != nil && m.MultiRegionKeyType == types.MultiRegionKeyTypeReplica {
		r.progress.more("aws kms rotate-key-on-demand --region %s --key-id %s",
			aws.ToString(m.PrimaryKey.Region), aws.ToString(m.PrimaryKey.Arn))
		return
	}
	r.progress.more("aws kms rotate-key-on-demand --key-id %s", aws.ToString(r.key.Arn))
	r.progress.more("or run the same command with --rotate in place of --new-material")
	r.progress.more("%s", keepAll)
}

// keepAll is what the owner of a key with several materials must know.
const keepAll = "keep the older material imported and unexpired: " +
	"the key works only while it has all of its material (keyhold expiring)"

func replicaRegions(m *types.MultiRegionConfiguration) (regions []string) {
	if m != nil {
		for _, replica := range m.ReplicaKeys {
			regions = append(regions, aws.ToString(replica.Region))
		}
	}
	return regions
}
