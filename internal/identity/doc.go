// Package identity knows accounts, users, roles and access keys, and verifies
// Signature Version 4.
//
// It defines the records of them, and stores none: a [Lookup] finds access keys.
// It decides nothing about what a principal may do, and it
// signs nothing.
//
// Only the header form of Signature Version 4 is accepted, over a body that was
// received whole. Sources: "Create a signed AWS API request" and "Elements of an
// AWS API request signature" in the IAM User Guide.
package identity
