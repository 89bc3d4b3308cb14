// Package awsimport makes the calls of an import of key material with the AWS SDK,
// in the order of the steps:
//
//	k, err := awsimport.Find(ctx, client, "alias/payments") // or Create
//	p, err := awsimport.GetParameters(ctx, client, k, awsimport.Wrapping{})
//	w, err := p.Wrap(material)
//	_, err = awsimport.Import(ctx, client, w, validTo)
//	err = awsimport.Challenge(ctx, client, w.KeyARN, material)
//
// A symmetric key takes more material with [ImportNew], which [Rotate] makes current;
// [Materials] lists what a key has.
//
// All of it works with any endpoint of the API. That the server holds exactly the
// material is proved, everywhere, by [CheckPublicKey] for private keys and by
// [CheckMAC] for HMAC material. Of symmetric material only a Keyhold server can be
// held to the key material ID that [Import] returns ([CheckID]) and to the
// [Challenge]: how AWS computes its IDs and builds its ciphertexts is unpublished.
//
// The package keeps no material and logs nothing. It asks for no credentials: they
// are the client's. Errors of the API are returned as the SDK has them; what the
// package itself refuses is a [Refusal].
package awsimport
