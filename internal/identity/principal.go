package identity

import "context"

// TypeRoot is the type of a principal that is the root of its account.
const TypeRoot = "Root"

// A Principal is who signed a request. AccessKeyID is empty until a signature by
// that key has been verified, or admitted unverified.
type Principal struct {
	Type        string // TypeRoot
	AccountID   string // 12 digits
	ARN         string // such as "arn:aws:iam::111122223333:root"
	AccessKeyID string
}

// Root returns the root of an account, given by its 12 digits.
func Root(account string) Principal {
	return Principal{Type: TypeRoot, AccountID: account, ARN: "arn:aws:iam::" + account + ":root"}
}

// An AccessKey is the pair of a public ID and a secret, and whom it stands for.
// The ID is 1 to 128 letters, digits and underscores.
type AccessKey struct {
	ID        string
	Secret    Secret
	Principal Principal
}

// A Lookup finds an access key by its ID; ok is false when there is none. It is
// called concurrently. An error means that it is not known whether there is one.
type Lookup func(ctx context.Context, accessKeyID string) (k AccessKey, ok bool, err error)
