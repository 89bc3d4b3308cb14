package main

import (
	"context"
	"fmt"

	"github.com/keyhold/keyhold/byok/awsimport"
)

const symmetricSpec = "SYMMETRIC_DEFAULT"

// prove proves that the server has the imported material.
func (r *importRun) prove(ctx context.Context) error {
	err := r.proveID()
	if err == nil {
		err = r.proveUse(ctx)
	}
	if err != nil {
		return fmt.Errorf("the import was accepted, but not proved: %w", err)
	}
	return nil
}

// proveID compares the key material ID, which is possible for a Keyhold server only.
func (r *importRun) proveID() error {
	if r.server.aws {
		if r.spec == symmetricSpec {
			r.progress.step("Not proved",
				"AWS does not publish how it computes key material IDs, so %s does not prove", r.materialID)
			r.progress.more("that it has this material; " +
				"a challenge is not possible either, because only AWS opens its ciphertexts")
		}
		return nil
	}
	if err := awsimport.CheckID(r.wrapped, r.materialID); err != nil {
		return err
	}
	r.proofs = append(r.proofs, "KeyMaterialId")
	r.progress.step("Proof", "the server shows the key material ID that was computed from the material:")
	r.progress.more("%s", r.wrapped.KeyMaterialID)
	return nil
}

// proveUse asks the server for a result that only the material can give, and checks the result.
func (r *importRun) proveUse(ctx context.Context) error {
	arn, publicKey := r.wrapped.KeyARN, r.wrapped.PublicKey
	switch {
	case publicKey != nil:
		return r.report(publicKeyProof, awsimport.CheckPublicKey(ctx, r.server, arn, publicKey))
	case r.idle != "":
		r.progress.step("Not tried",
			"no challenge, because the server does not encrypt with this material now: %s", r.idle)
		return nil
	case r.server.aws && r.spec == symmetricSpec:
		return nil // proveID has reported the reason
	case r.material == nil:
		r.progress.step("Not tried", "%s", r.offlineProof())
		return nil
	case r.spec != symmetricSpec:
		return r.report(macProof, awsimport.CheckMAC(ctx, r.server, arn, r.spec, r.material))
	}
	return r.report(challengeProof, awsimport.Challenge(ctx, r.server, arn, r.material))
}

// offlineProof describes the proof that is possible on the machine that has the material.
func (r *importRun) offlineProof() string {
	if r.spec == symmetricSpec {
		return "a challenge can be decrypted only where the material is: run keyhold decrypt-offline there"
	}
	return "a message authentication code can be compared only where the material is: " +
		"compute one there with openssl mac"
}

// A proofKind is one way to prove that a server has the material.
type proofKind struct {
	name    string // in the JSON output
	holds   string // the sentence about a proof that holds
	missing string // the proof, where it was not tried
	refused string // what the server refuses to do where the proof was not tried
}

var (
	challengeProof = proofKind{"Challenge",
		"a random challenge that the server encrypted opens with the local copy of the material",
		"no challenge", "encrypt with this key"}
	macProof = proofKind{"Mac",
		"the server and the local copy compute the same message authentication code of a random message",
		"no message authentication code", "make one with this key"}
	publicKeyProof = proofKind{"PublicKey",
		"the server's public key belongs to the local private key",
		"no comparison of public keys", "show the public key"}
)

// report reports the result of a proof. A proof that the server refuses to these credentials, or
// for a disabled key, was not tried. Such a refusal is not an error.
func (r *importRun) report(kind proofKind, err error) error {
	switch {
	case isCode(err, "AccessDeniedException", "DisabledException", "InvalidKeyUsageException"):
		r.progress.step("Not tried",
			"%s, because the server does not %s for these credentials (%s)",
			kind.missing, kind.refused, factsOf(err).code)
		return nil
	case err != nil:
		return err
	}
	r.proofs = append(r.proofs, kind.name)
	r.progress.step("Proof", "%s", kind.holds)
	return nil
}
