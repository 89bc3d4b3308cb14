package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/key"
)

// flagParts lists the parts that a flag belongs to. All other flags belong to each part.
const flagParts = `
from                whole
generate            whole
passphrase-file     whole
from-shares         whole
identity            whole
manifest            whole second
escrow-to           whole
threshold           whole
shares-out          whole
expires             whole second
no-expiry           whole second
wrapping-algorithm  whole first
wrapping-key-spec   whole first
create              whole first
key-spec            whole first
key-usage           whole first
dry-run             whole
new-material        whole second
rotate              whole second
parameters-out      first
wrapped             second
`

// check checks the flags and the argument before anything is read or sent.
func (o *importOptions) check(c *cobra.Command, args []string) error {
	if err := o.checkPart(c, args); err != nil {
		return err
	}
	if err := o.source.fips.checkModule(); err != nil {
		return err
	}
	o.source.shares.fips = o.source.fips
	if o.part() == whole {
		if err := o.source.check(); err != nil {
			return err
		}
	}
	if o.part() != firstHalf {
		if err := o.expiry.check(); err != nil {
			return err
		}
	}
	if o.create && !strings.HasPrefix(args[0], "alias/") {
		return usageError{fmt.Errorf("--create needs an alias name, such as alias/payments, not %q: "+
			"the server chooses key IDs", args[0])}
	}
	if err := o.checkNewKey(); err != nil {
		return err
	}
	return o.output.check(c)
}

func (o *importOptions) checkPart(c *cobra.Command, args []string) error {
	if o.part() == secondHalf && len(args) > 0 {
		return usageError{errors.New("the file of --wrapped names the key: leave out the argument")}
	}
	if o.part() != secondHalf {
		if err := exactly(1)(c, args); err != nil {
			return err
		}
	}
	for line := range strings.Lines(flagParts) {
		flag, parts, _ := strings.Cut(strings.TrimSpace(line), " ")
		if flag != "" && c.Flags().Changed(flag) && !strings.Contains(parts, string(o.part())) {
			return usageError{fmt.Errorf("--%s does not go with %s", flag, o.part().reason())}
		}
	}
	return nil
}

// reason completes the error for a flag that belongs to another part.
func (p importPart) reason() string {
	if p == firstHalf {
		return "--parameters-out: it belongs to a later step"
	}
	return "--wrapped: it belongs to an earlier step"
}

// checkNewKey checks that the flags for a new key are consistent.
func (o *importOptions) checkNewKey() error {
	if !o.create && (o.keySpec != "" || o.keyUsage != "") {
		return usageError{errors.New("--key-spec and --key-usage describe a new key: add --create")}
	}
	if o.keySpec != "" && !slices.Contains(importableSpecs(), o.keySpec) {
		return usageError{fmt.Errorf("--key-spec %q does not support imported key material: choose one of %s",
			o.keySpec, strings.Join(importableSpecs(), ", "))}
	}
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
