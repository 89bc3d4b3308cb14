// Package anchor keeps the newest checkpoint of an audit log where the administrators of the server cannot change the
// checkpoint: in a file on another volume, or at an HTTPS witness. It refuses a log that lacks lines of a checkpoint
// that it has.
//
// The package neither writes nor signs logs. Package audit does both.
package anchor
