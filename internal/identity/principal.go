package identity

import (
	"context"
	"time"
)

// A Kind is the kind of a principal, under its name in package policy.
type Kind string

// The kinds of principals.
const (
	KindAccount     Kind = "Account"     // the root of an account
	KindUser        Kind = "User"        // a user
	KindAssumedRole Kind = "AssumedRole" // a session of a role
	KindWebIdentity Kind = "WebIdentity" // a user of an OIDC provider who has no session yet
)

// A Principal is the identity of a caller. AccessKeyID is empty until a signature by that key
// has been verified, or admitted unverified.
type Principal struct {
	Kind        Kind
	AccountID   string // 12 digits
	ARN         string // such as "arn:aws:iam::111122223333:root"; the ARN of the session for an AssumedRole
	ID          string // aws:userid: the account ID for a root, AIDA… for a user, "AROA…:NAME" for a session of a role
	UserName    string // aws:username; "" except for users
	RoleARN     string // the ARN of the role of an AssumedRole, with its path
	Tags        []Tag  // aws:PrincipalTag: the tags of the user, or of the role and the session, which takes precedence
	AccessKeyID string
	Session     *Session // of temporary credentials; nil for a long-term access key
	Stored      bool     // the access key is a record of the deployment, which may change
}

// A Caller is what a verified signature proves.
type Caller struct {
	Principal Principal // with the AccessKeyID that signed
	Region    string    // of the credential scope: well-formed and served
	SignedAt  time.Time // UTC, to the second; within 5 minutes of wall time
}

// Root returns the root of an account, given by its 12 digits.
func Root(account string) Principal {
	return Principal{Kind: KindAccount, AccountID: account, ARN: "arn:aws:iam::" + account + ":root", ID: account}
}

// Principal returns the user as a caller.
func (u User) Principal() Principal {
	return Principal{Kind: KindUser, AccountID: u.Account, ARN: u.ARN(), ID: u.ID, UserName: u.Name, Tags: u.Tags}
}

// Principal returns a session of the role as a caller.
func (r Role) Principal(s *Session) Principal {
	return Principal{
		Kind:      KindAssumedRole,
		AccountID: r.Account,
		ARN:       r.SessionARN(s.Name),
		ID:        r.ID + ":" + s.Name,
		RoleARN:   r.ARN(),
		Tags:      MergeTags(r.Tags, s.Tags),
		Session:   s,
	}
}

// An AccessKey is a public ID, a secret, and the principal for which they stand. The ID is 1 to
// 128 letters, digits and underscores.
type AccessKey struct {
	ID        string
	Secret    Secret
	Principal Principal
	// Expired means that the access key was valid and has expired. The server may tell this only to a caller with the
	// secret.
	Expired bool
}

// A Lookup finds an access key, by its ID or by the token of its session. ok is false if the
// access key does not exist. A Lookup may be called concurrently. After an error it is unknown
// whether the access key exists.
type Lookup func(ctx context.Context, name string) (k AccessKey, ok bool, err error)
