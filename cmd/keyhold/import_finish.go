package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok/awsimport"
)

// result is what an import printed as JSON, named as the API names it.
type result struct {
	KeyId           string
	KeyMaterialId   string `json:",omitempty"`
	ExpirationModel types.ExpirationModelType
	ValidTo         string   `json:",omitempty"`
	Created         bool     // the key was made, or would be
	DryRun          bool     // nothing was changed
	Proofs          []string // which proofs held: KeyMaterialId, and Challenge, PublicKey or Mac

	// Where it is not CURRENT, or was asked to be new.
	KeyMaterialState types.KeyMaterialState `json:",omitempty"`
	idle             string                 // why the server encrypts nothing with the material now
}

func (r *result) expires(validTo time.Time) {
	r.ExpirationModel = types.ExpirationModelTypeKeyMaterialDoesNotExpire
	if !validTo.IsZero() {
		r.ExpirationModel, r.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, moment(validTo)
	}
}

// finish sends wrapped material and proves what can be proved.
func (o *importOptions) finish(ctx context.Context, server *connection, p proof, validTo, now time.Time, r result, progress printer) error {
	send := awsimport.Import
	if o.newMaterial {
		send = awsimport.ImportNew
	}
	id, err := send(ctx, server, p.Wrapped, validTo)
	if err != nil {
		return err
	}
	progress.step("Imported", "%s", until(validTo, now))
	r.KeyMaterialId = id
	r.expires(validTo)
	if err := o.putToUse(ctx, server, p.Wrapped, &r, progress); err != nil {
		return err
	}
	if err := p.prove(ctx, server, &r, progress); err != nil {
		return fmt.Errorf("the import was accepted, but not proved: %w", err)
	}
	return o.output.print(pagef("%s\n", r.KeyId), r)
}
