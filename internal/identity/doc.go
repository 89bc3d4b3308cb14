// Package identity declares accounts, users, roles and access keys.
//
// It stores none of them: a [Lookup] finds access keys. It verifies no signature, which
// is the task of package sigv4, and decides nothing about what a principal may do.
package identity
