// Package backup writes a snapshot of a deployment to an encrypted stream, and reads and verifies such streams.
//
// The stream has every record as the store keeps it, sealed, together with the secrets of the slots that the record
// names. The root key is not in it: whoever restores a backup needs an identity of a recipient, and a custody of the
// root key or the shares of the recovery key. docs/formats.md describes the stream.
//
// A [File] is a backup as a store.Backend and store.Slots that can be read once, from the first record to the last. So
// package transfer copies a backup to a store as it copies another store.
package backup
