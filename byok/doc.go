// Package byok wraps key material for import, here or into AWS: standard library
// and `kwp` only.
//
// Bring your own key takes four steps: create a key with Origin EXTERNAL; call
// GetParametersForImport for a wrapping public key and an import token; [Wrap]
// the material under that public key; call ImportKeyMaterial with the result and
// the token. Afterwards [KeyMaterialID] tells whether the server holds exactly
// that material.
//
// The package makes no requests, reads and writes no files, and logs nothing. It
// generates no material and keeps none: whoever owns the slice that is passed in
// clears it.
package byok
