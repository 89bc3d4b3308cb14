package identity

// The defaults of all test servers, those of keyhold dev and of package kmstest: an access key of
// the root of an account, and a Region. They are the same, so that one seed file fits both.
const (
	DevAccount     = "000000000000"
	DevAccessKeyID = "test"
	DevSecret      = "test"
	DevRegion      = "us-east-1"
)
