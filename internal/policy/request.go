package policy

import (
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

// A Request is a question: may the principal do the action on the resource?
type Request struct {
	Principal Principal
	Action    string    // such as "kms:Decrypt"
	Resource  string    // the ARN of a key, an alias or a role; "*" where the action has no resource
	Owner     string    // the account that the resource belongs to, 12 digits
	Time      time.Time // aws:CurrentTime and aws:EpochTime
	Values    Values    // of all other condition keys; nil has none

	// EncryptionContext is what the constraints of grants are held against. HasContext
	// says that the operation has one; without it the constraints do not apply.
	EncryptionContext map[string]string
	HasContext        bool

	// Child is the grant that kms:CreateGrant is to make. A grant allows only
	// children that allow no more than it does.
	Child *key.Grant
}

// A Kind is what a principal is.
type Kind string

// The kinds of principals.
const (
	Account     Kind = "Account"     // the root of an account
	User        Kind = "User"        // an IAM user
	AssumedRole Kind = "AssumedRole" // a session of an IAM role
	WebIdentity Kind = "WebIdentity" // somebody with a token of an OIDC provider, who is nobody here yet
)

// A Principal is who asks.
type Principal struct {
	Kind    Kind
	Account string // 12 digits; "" of a WebIdentity
	ARN     string // of the root, the user or the role's session; of a WebIdentity, that of the OIDC provider
	RoleARN string // of an AssumedRole: the role, with its path
}

// Values gives the values of condition keys.
type Values interface {
	// Values returns the values that the request has for a condition key, whose
	// name is in lower case ("kms:encryptioncontext:department"), and the part of it
	// that the user named as Fold returns it; nil if it has none. A value is spelled as in a policy: "true", "2026-01-31T12:00:00Z", "90".
	// The slice must stay as it is until the decision is made. Nobody asks for
	// what Decide derives itself: aws:CurrentTime, aws:EpochTime, and, but for a
	// WebIdentity, aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType and
	// kms:CallerAccount.
	Values(name string) []string
}

// Documents are the policies that a request is held against.
type Documents struct {
	// Resource is the policy of the resource: a key policy, or the trust policy
	// of a role. Its Policy is nil where the resource has none: then
	// Identity alone decides, and only principals of the resource's account can
	// be allowed.
	Resource Document
	Identity []Document // inline and managed, of the user or of the role
	Boundary Document   // the permissions boundary; its Policy is nil for none
	Session  []Document // the session policies; empty for none
}

// A Document is a policy and what it is called in an explanation, such as its
// ARN.
type Document struct {
	Name   string
	Policy *Policy
}
