package api

// RevokeGrantRequest asks to remove a grant, so that it no longer allows anything. The response is [Empty].
type RevokeGrantRequest struct {
	DryRun  *bool   `json:"DryRun,omitzero"`
	GrantId *string `json:"GrantId,omitzero" kms:"required,len=1:128"`
	KeyId   *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}
