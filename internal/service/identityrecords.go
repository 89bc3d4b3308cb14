package service

import (
	"strings"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/store"
)

// The kinds of record of identities. A request reads its access key, then the user
// or role, then the managed policies that this one names: each by its path.
var (
	accounts        = store.Table[identity.Account]{Prefix: "account", Codec: store.JSON[identity.Account]()}
	users           = store.Table[identity.User]{Prefix: "user", Codec: store.JSON[identity.User]()}
	roles           = store.Table[identity.Role]{Prefix: "role", Codec: store.JSON[identity.Role]()}
	managedPolicies = store.Table[identity.ManagedPolicy]{Prefix: "managed-policy", Codec: store.JSON[identity.ManagedPolicy]()}
	oidcProviders   = store.Table[identity.OIDCProvider]{Prefix: "oidc-provider", Codec: store.JSON[identity.OIDCProvider]()}
	accessKeys      = store.Table[identity.StoredKey]{Prefix: "access-key", Codec: store.JSON[identity.StoredKey]()}
	accessKeyUsages = store.Table[usageRecord]{Prefix: "access-key-usage", Codec: store.JSON[usageRecord]()}
)

// namedPath is the path of a user, role or managed policy, whose names are not
// told apart by case.
func namedPath(account, name string) string { return account + "/" + strings.ToLower(name) }

// providerPath is the path of an OIDC provider. An issuer has no case of its own
// in its host, and package seed insists on lower case there.
func providerPath(account, issuer string) string { return account + "/" + issuer }

// policyPathOf is the path of the managed policy that an ARN names.
func policyPathOf(arn string) (path string, ok bool) {
	account, kind, _, name, ok := identity.ParseARN(arn)
	return namedPath(account, name), ok && kind == "policy"
}
