package api

// IdentityRequest identifies an identity by its kind ("account", "oidc-provider", "policy", "role" or "user")
// and its name. The name of an account is its ID, and the name of a provider its URL without "https://". It is
// not part of the KMS API.
type IdentityRequest struct {
	AccountId *string `json:"AccountId,omitzero" kms:"len=12:12"`
	Kind      *string `json:"Kind,omitzero" kms:"required,len=1:32"`
	Name      *string `json:"Name,omitzero" kms:"required,len=1:255"`
}

// SetIdentityStateRequest enables or disables a user or role or, if AccessKeyId is present, an access key.
type SetIdentityStateRequest struct {
	AccessKeyId *string `json:"AccessKeyId,omitzero" kms:"len=1:128"`
	AccountId   *string `json:"AccountId,omitzero" kms:"len=12:12"`
	Enabled     *bool   `json:"Enabled,omitzero" kms:"required"`
	Kind        *string `json:"Kind,omitzero" kms:"len=1:32"`
	Name        *string `json:"Name,omitzero" kms:"len=1:255"`
}

// RotateAccessKeyRequest asks for another access key of a user or, if Name is absent, of the root of the
// account.
type RotateAccessKeyRequest struct {
	AccountId *string `json:"AccountId,omitzero" kms:"len=12:12"`
	Name      *string `json:"Name,omitzero" kms:"len=1:64"`
}

// RotateAccessKeyResponse has the new access key, and the ID of the inactive access key that was removed for
// it.
type RotateAccessKeyResponse struct {
	Arn     *string    `json:"Arn,omitzero"`
	Made    *AccessKey `json:"Made,omitzero"`
	Removed *string    `json:"Removed,omitzero"`
}

// ListIdentitiesRequest asks for the identities of one kind, in an account or, if AccountId is absent, in all
// accounts.
type ListIdentitiesRequest struct {
	AccountId *string `json:"AccountId,omitzero" kms:"len=12:12"`
	Kind      *string `json:"Kind,omitzero" kms:"required,len=1:32"`
	Limit     *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker    *string `json:"Marker,omitzero" kms:"len=1:1024"`
}

// ListIdentitiesResponse has a page of identities.
type ListIdentitiesResponse struct {
	Identities []IdentityEntry `json:"Identities"`
	NextMarker *string         `json:"NextMarker,omitzero"`
	Truncated  bool            `json:"Truncated"`
}

// IdentityEntry is an identity in a list.
type IdentityEntry struct {
	AccountId   *string           `json:"AccountId,omitzero"`
	Arn         *string           `json:"Arn,omitzero"`
	Kind        *string           `json:"Kind,omitzero"`
	Name        *string           `json:"Name,omitzero"`
	Enabled     bool              `json:"Enabled"`
	AccessKeys  []AccessKeyStatus `json:"AccessKeys,omitzero"`
	CreatedDate *Timestamp        `json:"CreatedDate,omitzero"`
}

// AccessKeyStatus describes an access key without its secret.
type AccessKeyStatus struct {
	AccessKeyId  *string    `json:"AccessKeyId,omitzero"`
	Active       bool       `json:"Active"`
	CreatedDate  *Timestamp `json:"CreatedDate,omitzero"`
	LastUsedDate *Timestamp `json:"LastUsedDate,omitzero"`
	Region       *string    `json:"Region,omitzero"`
	Service      *string    `json:"Service,omitzero"`
}

// ShowIdentityResponse has everything that is stored of an identity except secrets.
type ShowIdentityResponse struct {
	IdentityEntry
	ClientIds           []string       `json:"ClientIds,omitzero"`
	Description         *string        `json:"Description,omitzero"`
	Document            *string        `json:"Document,omitzero"`
	ManagedPolicies     []string       `json:"ManagedPolicies,omitzero"`
	MaxSessionSeconds   *int32         `json:"MaxSessionSeconds,omitzero"`
	PermissionsBoundary *string        `json:"PermissionsBoundary,omitzero"`
	Policies            []InlinePolicy `json:"Policies,omitzero"`
	Roots               *string        `json:"Roots,omitzero"`
	SessionsFrom        *Timestamp     `json:"SessionsFrom,omitzero"`
	Tags                []Tag          `json:"Tags,omitzero"`
	Trust               *string        `json:"Trust,omitzero"`
	UniqueId            *string        `json:"UniqueId,omitzero"`
}
