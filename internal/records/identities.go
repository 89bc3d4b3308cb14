package records

import (
	"strings"

	"github.com/keyhold/keyhold/internal/identity"
)

// The kinds of record of identities. A request reads its access key, then the user
// or role, then the managed policies that this one names: each by its path.
var (
	Accounts        = tableOf[identity.Account]("account")
	Users           = tableOf[identity.User]("user")
	Roles           = tableOf[identity.Role]("role")
	ManagedPolicies = tableOf[identity.ManagedPolicy]("managed-policy")
	OIDCProviders   = tableOf[identity.OIDCProvider]("oidc-provider")
	AccessKeys      = tableOf[identity.StoredKey]("access-key")
	AccessKeyUsages = tableOf[Usage]("access-key-usage")
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
