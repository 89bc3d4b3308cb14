package identity

import (
	"strings"
	"time"
)

// An Account is an account of the deployment. It is the guard of its users, roles, policies and
// providers: every change of one of them raises Serial.
type Account struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitzero"`
	Created time.Time `json:"created"`
	Keys    []string  `json:"keys,omitzero"` // access keys of its root, without the one of keyhold init
	Serial  int64     `json:"serial"`

	// Generation rises when the credentials of the root are reset: only sessions of the root of the same
	// Generation are valid.
	Generation int64 `json:"generation,omitzero"`
}

// An Entity has the members that users and roles have in common.
type Entity struct {
	Account  string         `json:"account"`
	Name     string         `json:"name"`
	Path     string         `json:"path"` // "/", or "/…/"
	ID       string         `json:"id"`   // AIDA… or AROA…: never used again for another identity of the name
	Created  time.Time      `json:"created"`
	Inline   []InlinePolicy `json:"inline,omitzero"`   // by name
	Attached []string       `json:"attached,omitzero"` // ARNs of managed policies of the account, in order
	Boundary string         `json:"boundary,omitzero"` // the ARN of a managed policy
	Tags     []Tag          `json:"tags,omitzero"`     // by key

	// Disabled means that the user or role may do nothing until it is enabled.
	Disabled bool `json:"disabled,omitzero"`
	// Generation rises whenever all sessions are ended: only sessions of the same Generation are valid.
	// SessionsFrom is the time of the last end, for people. It is compared only while the Generation is
	// 0: an older version of the program ended the sessions then.
	Generation   int64     `json:"generation,omitzero"`
	SessionsFrom time.Time `json:"sessionsFrom,omitzero"`
}

// EndSessions ends all sessions that were issued until now.
func (e *Entity) EndSessions(now time.Time) { e.Generation, e.SessionsFrom = e.Generation+1, now }

// HasEnded reports whether the session of the user or role was ended.
func (e *Entity) HasEnded(s *Session) bool {
	return s.Generation != e.Generation || e.Generation == 0 && s.Issued.Before(e.SessionsFrom)
}

// A User is a user of an account.
type User struct {
	Entity
	Keys []string `json:"keys,omitzero"` // IDs of its access keys, the older one first
}

// A Role is a role of an account.
type Role struct {
	Entity
	Description string `json:"description,omitzero"`
	Trust       string `json:"trust"`      // the trust policy, a JSON document
	MaxSession  int32  `json:"maxSession"` // seconds
}

// MaxAccessKeys is the maximum number of access keys of a user, or of the root of an account.
const MaxAccessKeys = 2

// An InlinePolicy is a policy of a single user or role.
type InlinePolicy struct {
	Name     string `json:"name"`
	Document string `json:"document"` // JSON
}

// A ManagedPolicy is a policy of an account that its users and roles can have.
type ManagedPolicy struct {
	Account     string    `json:"account"`
	Name        string    `json:"name"`
	Path        string    `json:"path"`
	ID          string    `json:"id"` // ANPA…
	Created     time.Time `json:"created"`
	Description string    `json:"description,omitzero"`
	Document    string    `json:"document"` // JSON
}

// An OIDCProvider is an issuer of tokens that roles of an account can trust.
type OIDCProvider struct {
	Account   string    `json:"account"`
	Issuer    string    `json:"issuer"` // its URL without "https://"
	ClientIDs []string  `json:"clientIds"`
	Created   time.Time `json:"created"`
	// Roots are the PEM certificates of the authorities that may certify the issuer's servers.
	// If empty, the authorities of the system apply.
	Roots string `json:"roots,omitzero"`
}

// A StoredKey is an access key of a user or, without a User, of the root of an account.
type StoredKey struct {
	Account  string    `json:"account"`
	Secret   string    `json:"secret"`
	User     string    `json:"user,omitzero"`
	Inactive bool      `json:"inactive,omitzero"`
	Created  time.Time `json:"created,omitzero"` // zero for access keys of the first versions
}

// A Tag is a name with a value.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ARN returns the ARN of the user.
func (u User) ARN() string { return arn(u.Account, "user", u.Path, u.Name) }

// ARN returns the ARN of the role.
func (r Role) ARN() string { return arn(r.Account, "role", r.Path, r.Name) }

// SessionARN returns the ARN of a session of the role.
func (r Role) SessionARN(name string) string {
	return "arn:aws:sts::" + r.Account + ":assumed-role/" + r.Name + "/" + name
}

// ARN returns the ARN of the policy.
func (p ManagedPolicy) ARN() string { return arn(p.Account, "policy", p.Path, p.Name) }

// ARN returns the ARN of the provider.
func (p OIDCProvider) ARN() string { return arn(p.Account, "oidc-provider", "/", p.Issuer) }

func arn(account, kind, path, name string) string {
	return "arn:aws:iam::" + account + ":" + kind + path + name
}

// MergeTags returns the tags of both lists. A tag of over replaces a tag with the same key,
// regardless of case.
func MergeTags(tags, over []Tag) []Tag {
	if len(over) == 0 {
		return tags
	}
	var all []Tag
	for _, t := range tags {
		if _, hidden := ValueOf(over, t.Key); !hidden {
			all = append(all, t)
		}
	}
	return append(all, over...)
}

// ValueOf returns the value of the tag with a key, regardless of case.
func ValueOf(tags []Tag, name string) (value string, ok bool) {
	for _, t := range tags {
		if strings.EqualFold(t.Key, name) {
			return t.Value, true
		}
	}
	return "", false
}
