package identity

// The defaults of every server for tests, of keyhold dev and of package kmstest: an access key
// of the root of an account, and a Region. So one seed file serves both.
const (
	DevAccount     = "000000000000"
	DevAccessKeyID = "test"
	DevSecret      = "test"
	DevRegion      = "us-east-1"
)
