package identity

// The defaults of all test servers: an access key of the root of an account, and a Region. keyhold dev and
// package kmstest use the same defaults, so that one seed file fits both.
const (
	DevAccount     = "000000000000"
	DevAccessKeyID = "test"
	DevSecret      = "test"
	DevRegion      = "us-east-1"
)
