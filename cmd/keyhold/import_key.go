package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/internal/key"
)

// find finds the key. If its alias does not exist, find chooses the key that --create makes.
func (r *importRun) find(ctx context.Context) (err error) {
	r.key, err = awsimport.Find(ctx, r.server, r.ref)
	switch {
	case r.create && awsimport.IsNotFound(err):
		return r.chooseNewKey()
	case err != nil:
		return err
	}
	r.spec = string(r.key.KeySpec)
	if r.part() != secondHalf {
		r.progress.step("Key", "%s, %s, %s", aws.ToString(r.key.Arn), r.key.KeySpec, r.key.KeyState)
	}
	return nil
}

// chooseNewKey chooses spec and usage of the key to create. If the spec allows several
// usages, the owner must choose one.
func (r *importRun) chooseNewKey() error {
	r.spec, r.created = cmp.Or(r.keySpec, r.source.spec()), true
	var usages []string
	for _, suite := range key.Suites(key.Spec(r.spec)) {
		usages = append(usages, string(suite.Usage))
	}
	usage := r.keyUsage
	switch {
	case usage == "" && len(usages) == 1:
		usage = usages[0]
	case !slices.Contains(usages, usage):
		return usageError{fmt.Errorf("a key of the spec %s can be used for %s: choose with --key-usage",
			r.spec, strings.Join(usages, " or for "))}
	}
	r.newKey = awsimport.NewKey{Alias: r.ref, Spec: types.KeySpec(r.spec), Usage: types.KeyUsageType(usage)}
	return awsimport.CheckNewAlias(r.ref)
}

// createKey creates the key that chooseNewKey chose, and its alias.
func (r *importRun) createKey(ctx context.Context) (err error) {
	r.key, err = awsimport.Create(ctx, r.server, r.newKey)
	switch {
	case err != nil && r.key != nil:
		return fmt.Errorf("the key %s was made, but not its alias: %w", aws.ToString(r.key.KeyId), err)
	case err != nil:
		return err
	}
	r.progress.step("Created", "%s, %s, and %s for it", aws.ToString(r.key.Arn), r.key.KeySpec, r.ref)
	return nil
}

// importableSpecs are the key specs that support imported material, in the order of the API.
func importableSpecs() (specs []string) {
	for _, spec := range types.KeySpec("").Values() {
		if slices.ContainsFunc(key.Suites(key.Spec(spec)), key.Suite.Importable) {
			specs = append(specs, string(spec))
		}
	}
	return specs
}

// wrappingAlgorithms are the algorithms that wrap key material.
func wrappingAlgorithms() []string {
	return []string{
		string(byok.RSAESOAEPSHA256), string(byok.RSAESOAEPSHA1),
		string(byok.RSAAESKeyWrapSHA256), string(byok.RSAAESKeyWrapSHA1),
	}
}
