package identity

import "github.com/keyhold/keyhold/internal/key"

// AnyCredentials returns the Admit of a test server that accepts every access key. An access key
// ID of 12 digits stands for the root of that account, any other ID for the root of the given
// account.
func AnyCredentials(account string) func(accessKeyID string) Principal {
	return func(id string) Principal {
		if key.ValidAccount(id) {
			return Root(id)
		}
		return Root(account)
	}
}
