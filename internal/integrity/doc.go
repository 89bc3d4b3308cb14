// Package integrity checks a whole deployment and repairs nothing.
//
// It reads the store, the slots and the audit log of a deployment that is not running. It
// writes to none of them.
package integrity
