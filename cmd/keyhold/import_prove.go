package main

import (
	"context"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/byok/awsimport"
)

// A proof has the data for proving that a server has the imported material. The material is nil if only
// its wrapped form is available.
type proof struct {
	*byok.Wrapped
	spec     string // of the key
	material []byte
}

// prove lets the server do what is possible only with the material, and checks the results.
func (p proof) prove(ctx context.Context, server *connection, r *result, progress printer) error {
	if err := p.proveID(server, r, progress); err != nil {
		return err
	}
	switch {
	case p.PublicKey != nil:
		return p.held(r, progress, "PublicKey", "the server's public key belongs to the local private key",
			awsimport.CheckPublicKey(ctx, server, p.KeyARN, p.PublicKey))
	case r.idle != "":
		progress.step("Not tried", "no challenge, because the server does not encrypt with this material now: %s", r.idle)
		return nil
	case server.aws && p.spec == symmetricSpec:
		return nil // as proveID has said
	case p.material == nil:
		progress.step("Not tried", "%s", p.elsewhere())
		return nil
	case p.spec != symmetricSpec:
		return p.held(r, progress, "Mac", "the server and the local copy compute the same message authentication code of a random message",
			awsimport.CheckMAC(ctx, server, p.KeyARN, p.spec, p.material))
	}
	return p.held(r, progress, "Challenge", "a random challenge that the server encrypted opens with the local copy of the material",
		awsimport.Challenge(ctx, server, p.KeyARN, p.material))
}

const symmetricSpec = "SYMMETRIC_DEFAULT"

// elsewhere says which proof is possible on the machine that has the material.
func (p proof) elsewhere() string {
	if p.spec == symmetricSpec {
		return "a challenge can be decrypted only where the material is: run keyhold decrypt-offline there"
	}
	return "a message authentication code can be compared only where the material is: compute one there with openssl mac"
}

// proveID compares key material IDs, which only a Keyhold server gives.
func (p proof) proveID(server *connection, r *result, progress printer) error {
	if server.aws {
		if p.spec == symmetricSpec {
			progress.step("Not proved", "AWS does not publish how it computes key material IDs, so %s does not prove", r.KeyMaterialId)
			progress.more("that it has this material; a challenge is not possible either, because only AWS opens its ciphertexts")
		}
		return nil
	}
	if err := awsimport.CheckID(p.Wrapped, r.KeyMaterialId); err != nil {
		return err
	}
	r.Proofs = append(r.Proofs, "KeyMaterialId")
	progress.step("Proof", "the server shows the key material ID that was computed from the material:")
	progress.more("%s", p.KeyMaterialID)
	return nil
}

// notTried has, for each proof, its name and the operation that the server did not do.
var notTried = map[string][2]string{
	"Challenge": {"no challenge", "encrypt"},
	"Mac":       {"no message authentication code", "make one"},
	"PublicKey": {"no comparison of public keys", "show the one"},
}

// held reports the result of a proof. A proof that these credentials may not request, or that a
// disabled key does not allow, is reported as not tried and is not a failure.
func (p proof) held(r *result, progress printer, name, text string, err error) error {
	switch {
	case isCode(err, "AccessDeniedException", "DisabledException", "InvalidKeyUsageException"):
		progress.step("Not tried", "%s, because the server does not %s with this key for these credentials (%s)", notTried[name][0], notTried[name][1], factsOf(err).code)
		return nil
	case err != nil:
		return err
	}
	r.Proofs = append(r.Proofs, name)
	progress.step("Proof", "%s", text)
	return nil
}
