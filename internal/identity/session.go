package identity

import "time"

// A Session contains everything about temporary credentials except their secret. The server
// does not store it: the token of the credentials is a sealed Session.
type Session struct {
	AccessKeyID string    `json:"accessKeyId"`
	Account     string    `json:"account"`
	Issued      time.Time `json:"issued"` // aws:TokenIssueTime
	Expires     time.Time `json:"expires"`
	Generation  int64     `json:"generation,omitzero"` // of the user, role or account when the session was issued

	// For GetSessionToken: the name and unique ID of the user. A session without a user and
	// without a role belongs to the root of the account.
	User   string `json:"user,omitzero"`
	UserID string `json:"userId,omitzero"`

	// For an assumed role: its name and unique ID, and the name of the session.
	Role   string `json:"role,omitzero"`
	RoleID string `json:"roleId,omitzero"`
	Name   string `json:"name,omitzero"`

	Policies       []string     `json:"policies,omitzero"`   // session policies, as JSON documents
	PolicyARNs     []string     `json:"policyArns,omitzero"` // managed policies as session policies
	Tags           []Tag        `json:"tags,omitzero"`
	Transitive     []string     `json:"transitive,omitzero"` // keys of Tags that role chaining passes on
	SourceIdentity string       `json:"sourceIdentity,omitzero"`
	Web            *WebIdentity `json:"web,omitzero"` // of AssumeRoleWithWebIdentity
}

// IsLimited reports whether the session has session policies, which limit its permissions.
func (s *Session) IsLimited() bool { return len(s.Policies)+len(s.PolicyARNs) > 0 }

// A WebIdentity identifies a user of an OIDC provider.
type WebIdentity struct {
	Provider string `json:"provider"` // its ARN
	Issuer   string `json:"issuer"`   // its URL without "https://", as condition keys begin
	Audience string `json:"audience"`
	Subject  string `json:"subject"`
}
