// Package transfer copies a deployment from one store to another one, which may be of another kind, and from a backup.
//
// It reads one revision of a store that no server uses, or a snapshot, and writes to an empty store. Nothing can use
// the target before the copy is complete and was verified: the keyring is written last. A copy that was stopped goes
// on when it is started again.
//
// The records of nodes stay behind, because they belong to audit logs with the revisions of the old store. So the
// target begins with a new audit log, and with an event of the copy.
package transfer
