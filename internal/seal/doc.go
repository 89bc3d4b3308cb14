// Package seal encrypts data under a root key, whose custody is an interface.
//
// There are three layers. A Root has custody of the root key and wraps the data keys of the deployment. A
// Keyring holds the unwrapped data keys. A Sealer of the Keyring seals values for one purpose, each under a key
// derived for this value alone. The package stores nothing: callers keep the sealed bytes.
package seal
