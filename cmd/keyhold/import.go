package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/internal/key"
)

// importOptions are the flags of keyhold import.
type importOptions struct {
	client                 clientOptions
	source                 source
	expiry                 expiry
	output                 output
	algorithm, wrappingKey string
	keySpec, keyUsage      string // of a key that is created
	create, dryRun         bool
	newMaterial, rotate    bool
	parametersOut, wrapped string
}

func importCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:   "import KEY --from FILE (--expires 90d | --no-expiry)",
		Short: "Import your own key material, here or into AWS, and prove that it is there",
		Long: `Import your own key material into KEY, an alias name, a key ID or the ARN of either.
It recognises what the material is: bytes for a symmetric or HMAC key, or a private
key, RSA or EC, in PEM, DER or JWK, encrypted or not. A file that is not read gets its
name, and a command that converts a copy; docs/import-files.md lists all formats.

keyhold import asks the server for a wrapping public key, wraps the material in memory
in the way that fits, sends it, and proves that the server holds exactly this material:
its public key, its message authentication code of a random message, or a random
challenge that it encrypts is that of the local copy, and so is the key material ID.

Where to send and as whom comes from where the AWS CLI looks, too: the flags below,
the environment, the profile. The endpoint is shown before anything is sent. AWS
itself is refused without --aws.

A symmetric key can have more material: --new-material imports what the key does not
know yet. It waits, unless it is the first, until the key is rotated, which --rotate
does at once; the material before it goes on opening what it encrypted. Keep the older
material imported and unexpired: without any of it the key cannot be used, and keyhold
expiring lists what is missing or expires soon. Into multi-Region keys new material is
imported in each Region, first in that of the primary key.

For a machine with no network there are two halves: --parameters-out writes a file
to carry there, keyhold wrap makes another of it, and --wrapped imports that.`,
		Example: `  keyhold import alias/payments --create --generate payments.key --expires 90d
  keyhold import alias/payments --from payments.key --no-expiry
  keyhold import alias/payments --new-material --rotate --generate payments-2.key --expires 90d
  keyhold import alias/signing --create --key-usage SIGN_VERIFY --from signing.pem --expires 90d
  age -d payments.key.age | keyhold import alias/payments --from - --expires 2030-01-31

  keyhold import alias/payments --parameters-out params.json
  keyhold wrap --params params.json --from payments.key --out wrapped.json
  keyhold import --wrapped wrapped.json --expires 90d`,
		ValidArgsFunction: completeAlias(&o.client),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c, args); err != nil {
				return err
			}
			return o.run(c.Context(), strings.Join(args, ""), talk{c.ErrOrStderr()})
		},
	}
	o.client.flags(c)
	o.source.flags(c)
	o.expiry.flags(c)
	o.output.flag(c)
	c.Flags().StringVar(&o.algorithm, "wrapping-algorithm", "", "how the material is wrapped (default: what always works for the key's spec)")
	c.Flags().StringVar(&o.wrappingKey, "wrapping-key-spec", string(awsimport.DefaultWrappingKeySpec), "spec of the wrapping key")
	c.Flags().BoolVar(&o.create, "create", false, "make the key and the alias, if the alias is not there")
	c.Flags().BoolVar(&o.newMaterial, "new-material", false, "the key does not know this material: it is to have more than one")
	c.Flags().BoolVar(&o.rotate, "rotate", false, "make the material the current one at once, if it waits for that")
	c.Flags().StringVar(&o.keySpec, "key-spec", "", "spec of the key that --create makes (default: that of the private key, or SYMMETRIC_DEFAULT)")
	c.Flags().StringVar(&o.keyUsage, "key-usage", "", "usage of the key that --create makes, where its spec has more than one")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "look at everything, and change nothing")
	c.Flags().StringVar(&o.parametersOut, "parameters-out", "", "first half: write what keyhold wrap needs into this new file")
	c.Flags().StringVar(&o.wrapped, "wrapped", "", "second half: import what keyhold wrap wrote")
	fixed(c, "key-spec", importableSpecs()...)
	fixed(c, "key-usage", string(key.EncryptDecrypt), string(key.SignVerify), string(key.GenerateVerifyMAC), string(key.KeyAgreement))
	fixed(c, "wrapping-algorithm", wrappingAlgorithms()...)
	fixed(c, "wrapping-key-spec", string(types.WrappingKeySpecRsa4096), string(types.WrappingKeySpecRsa3072), string(types.WrappingKeySpecRsa2048))
	return c
}

// A way is one of the three ways to use keyhold import.
type way string

const (
	whole      way = "whole"
	firstHalf  way = "first"
	secondHalf way = "second"
)

func (o *importOptions) way() way {
	switch {
	case o.parametersOut != "":
		return firstHalf
	case o.wrapped != "":
		return secondHalf
	}
	return whole
}

// flagWays says which ways a flag belongs to. Flags that are not here belong to all.
const flagWays = `
from                whole
generate            whole
passphrase-file     whole
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

// check holds the flags and the argument against one another, before anything is
// read or sent.
func (o *importOptions) check(c *cobra.Command, args []string) error {
	if err := o.checkWay(c, args); err != nil {
		return err
	}
	if o.way() == whole {
		if err := o.source.check(); err != nil {
			return err
		}
	}
	if o.way() != firstHalf {
		if err := o.expiry.check(); err != nil {
			return err
		}
	}
	if o.create && !strings.HasPrefix(args[0], "alias/") {
		return usageError{fmt.Errorf("--create makes the key of an alias name, such as alias/payments, and not %q: the server chooses key IDs", args[0])}
	}
	if err := o.checkNewKey(); err != nil {
		return err
	}
	return o.output.check(c)
}

func (o *importOptions) checkWay(c *cobra.Command, args []string) error {
	if o.way() == secondHalf && len(args) > 0 {
		return usageError{errors.New("--wrapped FILE names the key itself: leave out the argument")}
	}
	if o.way() != secondHalf {
		if err := exactly(1)(c, args); err != nil {
			return err
		}
	}
	for line := range strings.Lines(flagWays) {
		flag, ways, _ := strings.Cut(strings.TrimSpace(line), " ")
		if flag != "" && c.Flags().Changed(flag) && !strings.Contains(ways, string(o.way())) {
			return usageError{fmt.Errorf("--%s does not go with %s", flag, o.way().because())}
		}
	}
	return nil
}

func (w way) because() string {
	if w == firstHalf {
		return "--parameters-out: it belongs to a later step"
	}
	return "--wrapped: it belongs to an earlier step"
}
