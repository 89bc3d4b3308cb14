package records

import (
	"strings"

	"github.com/keyhold/keyhold/internal/identity"
)

// The kinds of record of identities. A request reads its access key, then the user or role of the
// access key, and then the managed policies of the user or role, each by its path.
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

// ProviderPath returns the path of an OIDC provider. The host of an issuer is in lower case,
// which the server requires.
func ProviderPath(account, issuer string) string { return account + "/" + issuer }

// PolicyPath returns the path of the managed policy with an ARN.
func PolicyPath(arn string) (path string, ok bool) {
	account, kind, _, name, ok := identity.ParseARN(arn)
	return NamedPath(account, name), ok && kind == "policy"
}
