package sts

import "github.com/keyhold/keyhold/internal/api"

// Credentials are temporary credentials.
type Credentials struct {
	AccessKeyId     *string        `json:"AccessKeyId,omitzero"`
	SecretAccessKey *string        `json:"SecretAccessKey,omitzero"`
	SessionToken    *string        `json:"SessionToken,omitzero"`
	Expiration      *api.Timestamp `json:"Expiration,omitzero"`
}

// AssumedRoleUser is the session of a role.
type AssumedRoleUser struct {
	AssumedRoleId *string `json:"AssumedRoleId,omitzero"`
	Arn           *string `json:"Arn,omitzero"`
}

// PolicyDescriptorType identifies a managed policy.
type PolicyDescriptorType struct {
	Arn *string `json:"arn,omitzero" kms:"len=20:2048"`
}

// ProvidedContext is a statement of a trusted context provider.
type ProvidedContext struct {
	ContextAssertion *string `json:"ContextAssertion,omitzero" kms:"len=4:2048"`
	ProviderArn      *string `json:"ProviderArn,omitzero" kms:"len=20:2048"`
}

// Tag is a session tag.
type Tag struct {
	Key   *string `json:"Key,omitzero" kms:"required,len=1:128,pattern=tag"`
	Value *string `json:"Value,omitzero" kms:"required,len=0:256,pattern=tagValue"`
}
