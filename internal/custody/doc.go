// Package custody has the kinds of custody that a root key can be in.
//
// A custody wraps the root key, and the keyring keeps the wrapped root key (package seal). A keyring can be in the
// custody of several at once: each of them opens it.
package custody
