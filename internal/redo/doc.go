// Package redo does the deletions and revocations again that a backup would undo.
//
// After a backup, a deployment goes on: keys are disabled, key material is deleted, grants are revoked, policies begin
// to deny. A restored backup has none of this. [Read] finds the events of such changes in copies of the audit logs of
// the deployment, and [Plan.Apply] makes the changes again in the restored store, each with an event of its own.
//
// The package makes nothing again that adds a right, except where a later change takes another one back: EnableKey,
// CancelKeyDeletion, and declarations of identities.
package redo
