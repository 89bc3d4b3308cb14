package records

import (
	"strings"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/store"
)

// The kinds of record of identities. A request reads its access key, then the user
// or role, then the managed policies that this one names: each by its path.
var (
	Accounts        = store.Table[identity.Account]{Prefix: "account", Codec: store.JSON[identity.Account]()}
	Users           = store.Table[identity.User]{Prefix: "user", Codec: store.JSON[identity.User]()}
	Roles           = store.Table[identity.Role]{Prefix: "role", Codec: store.JSON[identity.Role]()}
	ManagedPolicies = store.Table[identity.ManagedPolicy]{Prefix: "managed-policy", Codec: store.JSON[identity.ManagedPolicy]()}
	OIDCProviders   = store.Table[identity.OIDCProvider]{Prefix: "oidc-provider", Codec: store.JSON[identity.OIDCProvider]()}
	AccessKeys      = store.Table[identity.StoredKey]{Prefix: "access-key", Codec: store.JSON[identity.StoredKey]()}
	AccessKeyUsages = store.Table[Usage]{Prefix: "access-key-usage", Codec: store.JSON[Usage]()}
)

// NamedPath returns the path of a user, role or managed policy. Their names are compared
// regardless of case.
func NamedPath(account, name string) string { return account + "/" + strings.ToLower(name) }

// ProviderPath is the path of an OIDC provider. An issuer has no case of its own
// in its host, and package seed insists on lower case there.
func ProviderPath(account, issuer string) string { return account + "/" + issuer }

// PolicyPath is the path of the managed policy that an ARN names.
func PolicyPath(arn string) (path string, ok bool) {
	account, kind, _, name, ok := identity.ParseARN(arn)
	return NamedPath(account, name), ok && kind == "policy"
}
