package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// recreateOptions are the flags of keyhold key recreate.
type recreateOptions struct {
	id, account, materialID, description string
	output                               output
}

func keyRecreateCommand(client *clientOptions) *cobra.Command {
	var o recreateOptions
	c := &cobra.Command{
		Use:   "recreate --id ID --account A --region R",
		Short: "Make the key of a lost deployment again, under its old ID",
		Long: `Make the key of a lost deployment again, under its old ID, in a deployment of the same
account. The new key has no material: import the original material to decrypt the old
ciphertexts. The credentials must belong to the root of the account. The ciphertexts do
not contain the Region: give the Region of the lost key.

With --material-id the key accepts only this material. Every ciphertext contains the
ID at offset 49 (docs/ciphertext-format.md). Without --material-id the key accepts the
first material that is imported, and later only the same material.`,
		Example: "  keyhold key recreate --id 1234abcd-12ab-34cd-56ef-1234567890ab " +
			"--account 111122223333 --region eu-west-2",
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := errors.Join(o.check(c.Flags().Changed("region")), o.output.check(c)); err != nil {
				return err
			}
			return recreateKey(c.Context(), *client, o, printer{c.ErrOrStderr()})
		},
	}
	c.Flags().StringVar(&o.id, "id", "", "the 36 characters that the key's ARN ends with")
	c.Flags().StringVar(&o.account, "account", "", "account of the key, 12 digits")
	c.Flags().StringVar(&o.materialID, "material-id", "",
		"KeyMaterialId of the original material: the key accepts no other")
	c.Flags().StringVar(&o.description, "description", "", "description of the key")
	o.output.flag(c)
	return c
}

// check checks the flags without a server. The Region has no default: under a wrong Region
// nobody would find the key.
func (o recreateOptions) check(regionGiven bool) error {
	switch {
	case o.id == "" || o.account == "" || !regionGiven:
		return usageError{errors.New("keyhold key recreate needs --id, --account and --region: " +
			"copy them from the ARN of the lost key")}
	case !key.ValidAccount(o.account):
		return usageError{fmt.Errorf("--account %q is not an account ID: give 12 digits, such as 111122223333", o.account)}
	}
	return nil
}

func recreateKey(ctx context.Context, client clientOptions, o recreateOptions, progress printer) error {
	at, err := client.connect(ctx, progress)
	if err != nil {
		return err
	}
	in := &api.RecreateKeyRequest{KeyId: &o.id, AccountId: &o.account, Description: &o.description}
	if o.materialID != "" {
		in.KeyMaterialId = &o.materialID
	}
	var made api.RecreateKeyResponse
	if err := at.call(ctx, api.TargetAdmin, "RecreateKey", in, &made); err != nil {
		return err
	}
	if made.KeyMetadata == nil || made.KeyMetadata.Arn == nil {
		return at.mismatchError()
	}
	printf(progress.w, "Made the key without material (%s). Import the original material now: "+
		"keyhold import %s --region %s --from FILE --expires 90d (or --no-expiry)\n",
		deref(made.KeyMetadata.KeyState), o.id, at.region)
	return o.output.print(pagef("%s\n", *made.KeyMetadata.Arn), made.KeyMetadata)
}
