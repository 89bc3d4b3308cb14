package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/internal/key"
)

// importableSpecs are the key specs that support imported material, in the order of the API.
func importableSpecs() (specs []string) {
	for _, spec := range types.KeySpec("").Values() {
		if slices.ContainsFunc(key.Suites(key.Spec(spec)), key.Suite.Importable) {
			specs = append(specs, string(spec))
		}
	}
	return specs
}

// wrappingAlgorithms are the ways to wrap key material.
func wrappingAlgorithms() []string {
	return []string{string(byok.RSAESOAEPSHA256), string(byok.RSAESOAEPSHA1), string(byok.RSAAESKeyWrapSHA256), string(byok.RSAAESKeyWrapSHA1)}
}

// checkNewKey checks that the flags for a new key are consistent.
func (o *importOptions) checkNewKey() error {
	if !o.create && (o.keySpec != "" || o.keyUsage != "") {
		return usageError{errors.New("--key-spec and --key-usage describe a new key: add --create")}
	}
	if o.keySpec != "" && !slices.Contains(importableSpecs(), o.keySpec) {
		return usageError{fmt.Errorf("--key-spec %q does not support imported key material: choose one of %s", o.keySpec, strings.Join(importableSpecs(), ", "))}
	}
	return nil
}

// newKey describes the key to create for the alias name. If the spec allows several usages, the
// owner must choose.
func (o *importOptions) newKey(alias string) (awsimport.NewKey, error) {
	spec := cmp.Or(o.keySpec, o.source.spec())
	n := awsimport.NewKey{Alias: alias, Spec: types.KeySpec(spec), Usage: types.KeyUsageType(o.keyUsage)}
	var usages []string
	for _, suite := range key.Suites(key.Spec(spec)) {
		usages = append(usages, string(suite.Usage))
	}
	switch {
	case o.keyUsage == "" && len(usages) == 1:
		n.Usage = types.KeyUsageType(usages[0])
	case !slices.Contains(usages, o.keyUsage):
		return n, usageError{fmt.Errorf("a key of the spec %s can be used for %s: choose with --key-usage", spec, strings.Join(usages, " or for "))}
	}
	return n, nil
}
