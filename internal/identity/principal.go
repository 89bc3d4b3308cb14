package identity

import (
	"context"
	"time"
)

// A Kind is what a principal is, by the names that package policy has for it.
type Kind string

// The kinds of principals.
const (
	KindAccount     Kind = "Account"     // the root of an account
	KindUser        Kind = "User"        // a user
	KindAssumedRole Kind = "AssumedRole" // a session of a role
	KindWebIdentity Kind = "WebIdentity" // somebody with a token of an OIDC provider, who is nobody here yet
)

// A Principal is who makes a request. AccessKeyID is empty until a signature by
// that key has been verified, or admitted unverified.
type Principal struct {
	Kind        Kind
	AccountID   string // 12 digits
	ARN         string // such as "arn:aws:iam::111122223333:root"; of an AssumedRole, that of the session
	ID          string // aws:userid: the account of its root, AIDA… of a user, "AROA…:NAME" of a session of a role
	UserName    string // aws:username; "" of all but users
	RoleARN     string // of an AssumedRole: the role, with its path
	Tags        []Tag  // aws:PrincipalTag: of the user, or of the role with those of the session over them
	AccessKeyID string
	Session     *Session // what temporary credentials carry; nil with an access key of long standing
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

// Principal returns the user as who makes a request.
func (u User) Principal() Principal {
	return Principal{Kind: KindUser, AccountID: u.Account, ARN: u.ARN(), ID: u.ID, UserName: u.Name, Tags: u.Tags}
}

// Principal returns a session of the role as who makes a request.
func (r Role) Principal(s *Session) Principal {
	return Principal{
		Kind:      KindAssumedRole,
		AccountID: r.Account,
		ARN:       r.SessionARN(s.Name),
		ID:        r.ID + ":" + s.Name,
		RoleARN:   r.ARN(),
		Tags:      Merged(r.Tags, s.Tags),
		Session:   s,
	}
}

// An AccessKey is the pair of a public ID and a secret, and whom it stands for.
// The ID is 1 to 128 letters, digits and underscores.
type AccessKey struct {
	ID        string
	Secret    Secret
	Principal Principal
	// Expired says that it was good once and is no more, which only who holds
	// the secret is told.
	Expired bool
}

// A Lookup finds an access key, by its ID or by the token of its session; ok is
// false when there is none. It is called concurrently. An error means that it is
// not known whether there is one.
type Lookup func(ctx context.Context, name string) (k AccessKey, ok bool, err error)
