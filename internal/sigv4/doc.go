// Package sigv4 verifies Signature Version 4 and shows why it refused.
//
// The package signs nothing and keeps no access keys: an [identity.Lookup] finds them. The
// package does not decide what the signer may do.
//
// Only signatures in the Authorization header are accepted, over a complete body. Sources:
// "Create a signed AWS API request" and "Elements of an AWS API request signature" in the IAM
// User Guide.
package sigv4
