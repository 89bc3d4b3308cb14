package sts

// AssumeRoleRequest asks for a session of a role.
type AssumeRoleRequest struct {
	DurationSeconds         *int32                 `json:"DurationSeconds,omitzero" kms:"range=900:43200"`
	ExternalId              *string                `json:"ExternalId,omitzero" kms:"len=2:1224,pattern=externalID"`
	MinimumSessionTokenSize *int32                 `json:"MinimumSessionTokenSize,omitzero" kms:"range=0:4096"`
	Policy                  *string                `json:"Policy,omitzero" kms:"len=1:2048,pattern=policy"`
	PolicyArns              []PolicyDescriptorType `json:"PolicyArns,omitzero" kms:"count=0:10"`
	ProvidedContexts        []ProvidedContext      `json:"ProvidedContexts,omitzero" kms:"count=0:5"`
	RoleArn                 *string                `json:"RoleArn,omitzero" kms:"required,len=20:2048"`
	RoleSessionName         *string                `json:"RoleSessionName,omitzero" kms:"required,len=2:64,pattern=sessionName"`
	SerialNumber            *string                `json:"SerialNumber,omitzero" kms:"len=9:256"`
	SourceIdentity          *string                `json:"SourceIdentity,omitzero" kms:"len=2:64,pattern=sessionName"`
	Tags                    []Tag                  `json:"Tags,omitzero" kms:"count=0:50"`
	TokenCode               *string                `json:"TokenCode,omitzero" kms:"sensitive,len=6:6"`
	TransitiveTagKeys       []string               `json:"TransitiveTagKeys,omitzero" kms:"count=0:50,len=1:128,pattern=tag"`
}

// AssumeRoleResponse has the credentials of the session.
type AssumeRoleResponse struct {
	Credentials             *Credentials     `json:"Credentials,omitzero"`
	AssumedRoleUser         *AssumedRoleUser `json:"AssumedRoleUser,omitzero"`
	PackedPolicySize        *int32           `json:"PackedPolicySize,omitzero"`
	SessionTokenSize        *int32           `json:"SessionTokenSize,omitzero"`
	SessionTokenUtilization *int32           `json:"SessionTokenUtilization,omitzero"`
	SourceIdentity          *string          `json:"SourceIdentity,omitzero"`
}
