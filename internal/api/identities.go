package api

// The requests that declare identities are not part of the KMS API. They are for principals of the deployment's
// account. AccountId defaults to this account. Each request describes one identity completely, and the
// server changes only the members that differ. With DryRun, the server reports the changes without making them.

// PutAccountRequest declares an account. AccessKeys is the minimum number of access keys of its root.
type PutAccountRequest struct {
	AccountId  *string `json:"AccountId,omitzero" kms:"len=12:12"`
	AccessKeys *int32  `json:"AccessKeys,omitzero" kms:"range=0:2"`
	DryRun     *bool   `json:"DryRun,omitzero"`
	Name       *string `json:"Name,omitzero" kms:"len=0:128"`
}

// PutPolicyRequest declares a managed policy.
type PutPolicyRequest struct {
	AccountId   *string `json:"AccountId,omitzero" kms:"len=12:12"`
	Description *string `json:"Description,omitzero" kms:"len=0:1000"`
	Document    *string `json:"Document,omitzero" kms:"required,len=1:65536"`
	DryRun      *bool   `json:"DryRun,omitzero"`
	Name        *string `json:"Name,omitzero" kms:"required,len=1:128"`
	Path        *string `json:"Path,omitzero" kms:"len=1:512"`
}

// PutProviderRequest declares an OIDC provider. Roots are PEM certificates that the server trusts for the
// provider; without them, it trusts the certificates of the system.
type PutProviderRequest struct {
	AccountId *string  `json:"AccountId,omitzero" kms:"len=12:12"`
	ClientIds []string `json:"ClientIds,omitzero" kms:"count=1:100,len=1:255"`
	DryRun    *bool    `json:"DryRun,omitzero"`
	Roots     *string  `json:"Roots,omitzero" kms:"len=0:65536"`
	Url       *string  `json:"Url,omitzero" kms:"required,len=1:255"`
}

// PutRoleRequest declares a role. ManagedPolicies and PermissionsBoundary are ARNs or names.
type PutRoleRequest struct {
	AccountId           *string        `json:"AccountId,omitzero" kms:"len=12:12"`
	Description         *string        `json:"Description,omitzero" kms:"len=0:1000"`
	DryRun              *bool          `json:"DryRun,omitzero"`
	ManagedPolicies     []string       `json:"ManagedPolicies,omitzero" kms:"count=0:20,len=1:2048"`
	MaxSessionSeconds   *int32         `json:"MaxSessionSeconds,omitzero" kms:"range=3600:43200"`
	Name                *string        `json:"Name,omitzero" kms:"required,len=1:64"`
	Path                *string        `json:"Path,omitzero" kms:"len=1:512"`
	PermissionsBoundary *string        `json:"PermissionsBoundary,omitzero" kms:"len=1:2048"`
	Policies            []InlinePolicy `json:"Policies,omitzero" kms:"count=0:50"`
	Tags                []Tag          `json:"Tags,omitzero" kms:"count=0:50"`
	Trust               *string        `json:"Trust,omitzero" kms:"required,len=1:65536"`
}

// PutUserRequest declares a user. AccessKeys is the minimum number of its access keys.
type PutUserRequest struct {
	AccessKeys          *int32         `json:"AccessKeys,omitzero" kms:"range=0:2"`
	AccountId           *string        `json:"AccountId,omitzero" kms:"len=12:12"`
	DryRun              *bool          `json:"DryRun,omitzero"`
	ManagedPolicies     []string       `json:"ManagedPolicies,omitzero" kms:"count=0:20,len=1:2048"`
	Name                *string        `json:"Name,omitzero" kms:"required,len=1:64"`
	Path                *string        `json:"Path,omitzero" kms:"len=1:512"`
	PermissionsBoundary *string        `json:"PermissionsBoundary,omitzero" kms:"len=1:2048"`
	Policies            []InlinePolicy `json:"Policies,omitzero" kms:"count=0:50"`
	Tags                []Tag          `json:"Tags,omitzero" kms:"count=0:50"`
}

// InlinePolicy is a policy of a single user or role.
type InlinePolicy struct {
	Document *string `json:"Document,omitzero" kms:"required,len=1:65536"`
	Name     *string `json:"Name,omitzero" kms:"required,len=1:128"`
}

// PutIdentityResponse is the actual or possible result of a declaration. Change is "created", "changed" or
// "none", and Members are the members that differ. NewAccessKeys are the new access keys with their secrets,
// which no other response contains.
type PutIdentityResponse struct {
	Arn           *string     `json:"Arn,omitzero"`
	Change        *string     `json:"Change,omitzero"`
	Members       []string    `json:"Members,omitzero"`
	NewAccessKeys []AccessKey `json:"NewAccessKeys,omitzero"`
}

// AccessKey is an access key with its secret.
type AccessKey struct {
	AccessKeyId     *string `json:"AccessKeyId,omitzero"`
	SecretAccessKey *string `json:"SecretAccessKey,omitzero"`
}

// SeedAccessKeyRequest gives a user of a dev server a fixed access key. Servers do not accept it over the wire.
type SeedAccessKeyRequest struct {
	AccessKeyId     *string `json:"AccessKeyId,omitzero" kms:"required,len=1:128"`
	AccountId       *string `json:"AccountId,omitzero" kms:"len=12:12"`
	Name            *string `json:"Name,omitzero" kms:"required,len=1:64"`
	SecretAccessKey *string `json:"SecretAccessKey,omitzero" kms:"required,sensitive,len=1:128"`
}
