// Package seal wraps secrets under a root key whose custody it abstracts.
//
// Three layers: a Root keeps the root key and wraps with it the data keys of the
// deployment; a Keyring holds the data keys, opened; a Sealer of the Keyring
// seals values for one purpose, each under a key derived for that value alone.
// The package stores nothing: whoever holds the sealed bytes keeps them.
package seal
