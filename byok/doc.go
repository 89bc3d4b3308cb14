// Package byok prepares key material for import into Keyhold or AWS, and decrypts
// Keyhold ciphertexts without a server. Besides the standard library the
// package needs AES key wrap, two key derivations and the curve secp256k1.
//
// Bring your own key takes four steps: create a key with Origin EXTERNAL; call
// GetParametersForImport for a wrapping public key and an import token; [Wrap]
// the material under that public key; call ImportKeyMaterial with the result and
// the token. [ReadOriginal] recognises the material in a file: bytes for a symmetric or HMAC
// key, a private key for an asymmetric one. Afterwards [KeyMaterialID] shows whether the
// server has exactly this material, and [Decrypt] decrypts its ciphertexts with the original material.
// Package awsimport makes the calls with the AWS SDK.
//
// On a machine with no network, [Parameters] arrive in a file and [Wrapped]
// material leaves in a file. Neither contains a secret; docs/import-files.md describes
// both. People compare the [Fingerprint] of the public key by eye.
//
// The package makes no requests, reads and writes no files, and logs nothing. It
// neither generates nor keeps material: the owner of the slice that is passed in
// clears it.
package byok
