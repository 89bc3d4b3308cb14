package sts

// AssumeRoleWithWebIdentityRequest asks for a session of a role with the token of
// an OIDC provider.
type AssumeRoleWithWebIdentityRequest struct {
	DurationSeconds         *int32                 `json:"DurationSeconds,omitzero" kms:"range=900:43200"`
	MinimumSessionTokenSize *int32                 `json:"MinimumSessionTokenSize,omitzero" kms:"range=0:4096"`
	Policy                  *string                `json:"Policy,omitzero" kms:"len=1:2048,pattern=policy"`
	PolicyArns              []PolicyDescriptorType `json:"PolicyArns,omitzero" kms:"count=0:10"`
	ProviderId              *string                `json:"ProviderId,omitzero" kms:"len=4:2048"`
	RoleArn                 *string                `json:"RoleArn,omitzero" kms:"required,len=20:2048"`
	RoleSessionName         *string                `json:"RoleSessionName,omitzero" kms:"required,len=2:64,pattern=sessionName"`
	WebIdentityToken        *string                `json:"WebIdentityToken,omitzero" kms:"required,sensitive,len=4:20000"`
}

// AssumeRoleWithWebIdentityResponse has the credentials of the session, and the identity of the caller at the
// provider.
type AssumeRoleWithWebIdentityResponse struct {
	Credentials                 *Credentials     `json:"Credentials,omitzero"`
	SubjectFromWebIdentityToken *string          `json:"SubjectFromWebIdentityToken,omitzero"`
	AssumedRoleUser             *AssumedRoleUser `json:"AssumedRoleUser,omitzero"`
	PackedPolicySize            *int32           `json:"PackedPolicySize,omitzero"`
	Provider                    *string          `json:"Provider,omitzero"`
	Audience                    *string          `json:"Audience,omitzero"`
	SessionTokenSize            *int32           `json:"SessionTokenSize,omitzero"`
	SessionTokenUtilization     *int32           `json:"SessionTokenUtilization,omitzero"`
	SourceIdentity              *string          `json:"SourceIdentity,omitzero"`
}
