package api

// The requests that declare identities are no part of the KMS API: they are for the
// root of the deployment's account. AccountId is that account unless it is given.
// Each says all of one thing, and changes only what differs; with DryRun nothing is
// changed, and what would be is told.

// PutAccountRequest declares an account, and how many access keys its root has at
// least.
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

// PutProviderRequest declares an OIDC provider. Roots are certificates, PEM; without
// them those of the system vouch for it.
type PutProviderRequest struct {
	AccountId *string  `json:"AccountId,omitzero" kms:"len=12:12"`
	ClientIds []string `json:"ClientIds,omitzero" kms:"count=1:100,len=1:255"`
	DryRun    *bool    `json:"DryRun,omitzero"`
	Roots     *string  `json:"Roots,omitzero" kms:"len=0:65536"`
	Url       *string  `json:"Url,omitzero" kms:"required,len=1:255"`
}

// PutRoleRequest declares a role. ManagedPolicies and PermissionsBoundary are ARNs or
// names.
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

// PutUserRequest declares a user, and how many access keys it has at least.
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

// InlinePolicy is a policy of one user or role alone.
type InlinePolicy struct {
	Document *string `json:"Document,omitzero" kms:"required,len=1:65536"`
	Name     *string `json:"Name,omitzero" kms:"required,len=1:128"`
}

// PutIdentityResponse tells what came of a declaration, or would: Change is
// "created", "changed" or "none", and Members are those that differ. NewAccessKeys
// are those that were made, whose secrets are told here and never again.
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

// SeedAccessKeyRequest gives a user of a dev server a fixed access key. No server
// takes it over the wire.
type SeedAccessKeyRequest struct {
	AccessKeyId     *string `json:"AccessKeyId,omitzero" kms:"required,len=1:128"`
	AccountId       *string `json:"AccountId,omitzero" kms:"len=12:12"`
	Name            *string `json:"Name,omitzero" kms:"required,len=1:64"`
	SecretAccessKey *string `json:"SecretAccessKey,omitzero" kms:"required,sensitive,len=1:128"`
}
