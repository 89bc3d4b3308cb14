package policy

import (
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

// A Request asks whether a principal may perform an action on a resource.
type Request struct {
	Principal Principal
	Action    string    // such as "kms:Decrypt"
	Resource  string    // ARN of a key, an alias or a role; "*" if the action has no resource
	Owner     string    // account that owns the resource, 12 digits
	Time      time.Time // aws:CurrentTime and aws:EpochTime
	Values    Values    // values of all other condition keys; may be nil

	// EncryptionContext is compared with the constraints of grants. If HasContext is false, the operation has
	// no encryption context and these constraints do not apply.
	EncryptionContext map[string]string
	HasContext        bool

	// Child is the grant that kms:CreateGrant would create. A grant allows only children that allow no more
	// than itself.
	Child *key.Grant
}

// A Kind is the kind of a principal.
type Kind string

// The kinds of principals.
const (
	Account     Kind = "Account"     // the root of an account
	User        Kind = "User"        // an IAM user
	AssumedRole Kind = "AssumedRole" // a session of an IAM role
	WebIdentity Kind = "WebIdentity" // a caller with a token of an OIDC provider, before it assumes a role
)

// A Principal is the sender of a request.
type Principal struct {
	Kind    Kind
	Account string // 12 digits; "" for a WebIdentity
	ARN     string // ARN of the root, the user or the role session; for a WebIdentity, of the OIDC provider
	RoleARN string // for an AssumedRole: ARN of the role, with its path
}

// Values provides the values of condition keys.
type Values interface {
	// Values returns the request's values for a condition key, or nil if there are none. The name is in lower
	// case ("kms:encryptioncontext:department"), and the part that the user chose is folded by Fold. Values are
	// spelled as in a policy: "true", "2026-01-31T12:00:00Z", "90". The slice must not change until the
	// decision is made. Decide derives some keys itself and does not ask for them: aws:CurrentTime,
	// aws:EpochTime and, unless the principal is a WebIdentity, aws:PrincipalArn, aws:PrincipalAccount,
	// aws:PrincipalType and kms:CallerAccount.
	Values(name string) []string
}

// Documents are the policies that apply to a request.
type Documents struct {
	// Resource is the policy of the resource: a key policy, or the trust policy of a role. If the resource has
	// no policy, its Policy is nil; then Identity alone decides, and only principals of the resource's account
	// can be allowed.
	Resource Document
	Identity []Document // inline and managed policies of the user or role
	Boundary Document   // permissions boundary; Policy is nil if there is none
	Session  []Document // session policies; empty if there are none
}

// A Document is a policy and its name in explanations, such as its ARN.
type Document struct {
	Name   string
	Policy *Policy
}
