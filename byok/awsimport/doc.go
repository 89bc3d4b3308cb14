// Package awsimport makes the calls of an import of key material with the AWS SDK,
// in the order of the steps:
//
//	k, err := awsimport.Find(ctx, client, "alias/payments") // or Create
//	p, err := awsimport.GetParameters(ctx, client, k, awsimport.Wrapping{})
//	w, err := p.Wrap(material)
//	_, err = awsimport.Import(ctx, client, w, validTo)
//	err = awsimport.Challenge(ctx, client, w.KeyARN, material)
//
// [ImportNew] imports more material into a symmetric key, and [Rotate] makes it current;
// [Materials] lists the materials of a key.
//
// The functions work with any endpoint of the API. [CheckPublicKey] proves for private
// keys, and [CheckMAC] for HMAC material, that any server has exactly
// the imported material. For symmetric material [CheckID] and [Challenge] prove it
// for a Keyhold server only,
// because AWS does not publish how it computes IDs and builds ciphertexts.
//
// The package keeps no material and logs nothing. The credentials
// belong to the client. Errors of the API are returned unchanged; an error that the
// package itself finds is a [Refusal].
package awsimport
