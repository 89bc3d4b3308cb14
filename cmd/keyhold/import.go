package main

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok/awsimport"
	"github.com/keyhold/keyhold/internal/key"
)

const importHelp = `Import your own key material into KEY, which is an alias name, a key ID, or the ARN of
either. The material is bytes for a symmetric or HMAC key, or an RSA or EC private key in
PEM, DER or JWK, encrypted or not. The command recognises the format. If it cannot read
the file, it names the format and a command that converts a copy; docs/import-files.md
lists all formats.

keyhold import asks the server for a public key, wraps the material in memory with a
suitable algorithm, sends it, and proves that the server has exactly this material. To
prove it, the command compares the key material ID, and the public key, the message
authentication code of a random message, or the decryption of a random challenge that
the server encrypted.

The endpoint and the credentials come from the flags below, the environment or the AWS
profile, as for the AWS CLI. The endpoint is shown before anything is sent. AWS itself
is refused without --aws.

A symmetric key can have more than one material. --new-material imports material that the
key has not had yet. Unless it is the first, it waits until the key is rotated; --rotate
rotates the key at once. Earlier material still decrypts the ciphertexts that it made.
Keep it imported and unexpired: the key works only while it has all of its material.
keyhold expiring lists material that is missing or expires soon. For a multi-Region key,
import new material in each Region, first in the Region of the primary key.

The original stays with you. --manifest writes a file without secrets about each material,
for keyhold import check. --escrow-to splits the original among custodians at the moment
of the import, and --from-shares brings it back (docs/recovery.md).

To wrap on a machine with no network, import in two halves: --parameters-out writes a
file for that machine, keyhold wrap makes a second file from it, and --wrapped imports
the second file.`

const importExamples = `  keyhold import alias/payments --create --generate payments.key --expires 90d
  keyhold import alias/payments --from payments.key --no-expiry
  keyhold import alias/payments --new-material --rotate --generate payments-2.key --expires 90d
  keyhold import alias/signing --create --key-usage SIGN_VERIFY --from signing.pem --expires 90d
  keyhold import alias/payments --from payments.key --expires 90d --manifest manifests/payments.json \
      --escrow-to custodians.txt --threshold 2 --shares-out payments-shares
  age -d payments.key.age | keyhold import alias/payments --from - --expires 2030-01-31

  keyhold import alias/payments --parameters-out params.json
  keyhold wrap --params params.json --from payments.key --out wrapped.json
  keyhold import --wrapped wrapped.json --expires 90d`

// importOptions are the flags of keyhold import.
type importOptions struct {
	client                          clientOptions
	source                          source
	expiry                          expiry
	output                          output
	wrappingAlgorithm, wrappingSpec string
	keySpec, keyUsage               string // of a key that is created
	create, dryRun                  bool
	newMaterial, rotate             bool
	parametersFile, wrappedFile     string
	owners                          ownersFlags
}

func importCommand() *cobra.Command {
	var o importOptions
	c := &cobra.Command{
		Use:               "import KEY --from FILE (--expires 90d | --no-expiry)",
		Short:             "Import your own key material into Keyhold or AWS, and prove that it arrived",
		Long:              importHelp,
		Example:           importExamples,
		ValidArgsFunction: completeAlias(&o.client),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c, args); err != nil {
				return err
			}
			r := importRun{importOptions: o, ref: strings.Join(args, ""), progress: printer{c.ErrOrStderr()}}
			return r.run(c.Context())
		},
	}
	o.client.flags(c)
	o.source.flags(c)
	o.expiry.flags(c)
	o.output.flag(c)
	o.keyFlags(c)
	o.wrappingFlags(c)
	o.halvesFlags(c)
	c.Flags().StringVar(&o.owners.manifest, "manifest", "",
		"write a manifest of the import into this file, without secrets; its name ends with .json, and a file that exists "+
			"must describe the same material")
	o.owners.escrow.flags(c, "escrow-to", "the original of the material")
	c.AddCommand(importCheckCommand())
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "check everything, and change nothing")
	return c
}

// keyFlags adds the flags about the key, and about its other material.
func (o *importOptions) keyFlags(c *cobra.Command) {
	c.Flags().BoolVar(&o.create, "create", false, "make the key and the alias, if the alias is not there")
	c.Flags().BoolVar(&o.newMaterial, "new-material", false,
		"import material that the key has not had yet, in addition to its other material")
	c.Flags().BoolVar(&o.rotate, "rotate", false,
		"rotate the key at once if the material waits for a rotation, so that it becomes current")
	c.Flags().StringVar(&o.keySpec, "key-spec", "",
		"spec of the key that --create makes (default: the spec of the private key, or SYMMETRIC_DEFAULT)")
	c.Flags().StringVar(&o.keyUsage, "key-usage", "",
		"usage of the key that --create makes, needed if its spec allows more than one")
	completeWords(c, "key-spec", importableSpecs()...)
	completeWords(c, "key-usage",
		string(key.EncryptDecrypt), string(key.SignVerify), string(key.GenerateVerifyMAC), string(key.KeyAgreement))
}

func (o *importOptions) wrappingFlags(c *cobra.Command) {
	c.Flags().StringVar(&o.wrappingAlgorithm, "wrapping-algorithm", "",
		"algorithm that wraps the material (default: an algorithm that always works for the key's spec)")
	c.Flags().StringVar(&o.wrappingSpec, "wrapping-key-spec", string(awsimport.DefaultWrappingKeySpec),
		"spec of the wrapping key")
	completeWords(c, "wrapping-algorithm", wrappingAlgorithms()...)
	completeWords(c, "wrapping-key-spec", string(types.WrappingKeySpecRsa4096),
		string(types.WrappingKeySpecRsa3072), string(types.WrappingKeySpecRsa2048))
}

func (o *importOptions) halvesFlags(c *cobra.Command) {
	c.Flags().StringVar(&o.parametersFile, "parameters-out", "",
		"first half: write the parameters for keyhold wrap into this new file")
	c.Flags().StringVar(&o.wrappedFile, "wrapped", "", "second half: import the file that keyhold wrap wrote")
}
