// Package byok prepares key material for import, here or into AWS, and opens
// without a server what was encrypted with it. Besides the standard library the
// package needs AES key wrap, two key derivations and the curve secp256k1.
//
// Bring your own key takes four steps: create a key with Origin EXTERNAL; call
// GetParametersForImport for a wrapping public key and an import token; [Wrap]
// the material under that public key; call ImportKeyMaterial with the result and
// the token. [ReadOriginal] recognises the material in a file: bytes for a symmetric or HMAC
// key, a private key for an asymmetric one. Afterwards [KeyMaterialID] tells whether the
// server holds exactly that material, and [Decrypt] opens its ciphertexts with the original alone.
// Package awsimport, beside this one, makes the calls with the AWS SDK.
//
// On a machine with no network, [Parameters] arrive in a file and [Wrapped]
// material leaves in one. Neither holds a secret; docs/import-files.md describes
// both. People compare the [Fingerprint] of the public key by eye.
//
// The package makes no requests, reads and writes no files, and logs nothing. It
// generates no material and keeps none: whoever owns the slice that is passed in
// clears it.
package byok
