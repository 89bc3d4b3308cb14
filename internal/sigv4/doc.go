// Package sigv4 verifies Signature Version 4 and shows why it refused.
//
// It signs nothing, keeps no access keys (an [identity.Lookup] finds them), and decides
// nothing about what the signer may do.
//
// Only the header form of Signature Version 4 is accepted, over a body that was
// received whole. Sources: "Create a signed AWS API request" and "Elements of an
// AWS API request signature" in the IAM User Guide.
package sigv4
