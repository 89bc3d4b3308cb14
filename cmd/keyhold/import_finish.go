package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
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
	Proofs          []string // which proofs held: KeyMaterialId, Challenge

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

// finish sends wrapped material and proves what can be proved. The material is nil
// where only its wrapped form is at hand.
func (o *importOptions) finish(ctx context.Context, server *connection, w *byok.Wrapped, material []byte, validTo, now time.Time, r result, say talk) error {
	send := awsimport.Import
	if o.newMaterial {
		send = awsimport.ImportNew
	}
	id, err := send(ctx, server, w, validTo)
	if err != nil {
		return err
	}
	say.step("Imported", "%s", until(validTo, now))
	r.KeyMaterialId = id
	r.expires(validTo)
	if err := o.putToUse(ctx, server, w, &r, say); err != nil {
		return err
	}
	if err := prove(ctx, server, w, material, &r, say); err != nil {
		return fmt.Errorf("the import was accepted, but not proved: %w", err)
	}
	return o.output.print(r.KeyId+"\n", r)
}

// prove holds the server to what only who has the material can do.
func prove(ctx context.Context, server *connection, w *byok.Wrapped, material []byte, r *result, say talk) error {
	if server.aws {
		say.step("Not proved", "how AWS computes key material IDs (%s) is unpublished, so that it holds", r.KeyMaterialId)
		say.more("this material cannot be shown; nor can a challenge be opened here, as its ciphertexts open in AWS only")
		return nil
	}
	if err := awsimport.CheckID(w, r.KeyMaterialId); err != nil {
		return err
	}
	r.Proofs = append(r.Proofs, "KeyMaterialId")
	say.step("Proof", "the server's key material ID is the one that was computed from the material:")
	say.more("%s", w.KeyMaterialID)
	if r.idle != "" {
		say.step("Not tried", "no challenge, as the server encrypts nothing with this material now: %s", r.idle)
		return nil
	}
	if material == nil {
		say.step("Not tried", "a challenge can be opened only where the material is: keyhold decrypt-offline does so there")
		return nil
	}
	switch err := awsimport.Challenge(ctx, server, w.KeyARN, material); {
	case isCode(err, "AccessDeniedException", "DisabledException", "InvalidKeyUsageException"):
		say.step("Not tried", "no challenge, as the server does not encrypt with this key for these credentials (%s)", factsOf(err).code)
	case err != nil:
		return err
	default:
		r.Proofs = append(r.Proofs, "Challenge")
		say.step("Proof", "a random challenge that the server encrypted opens with the local copy of the material")
	}
	return nil
}
