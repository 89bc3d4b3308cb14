package api

// RetireGrantRequest asks to remove a grant that is no longer needed. The grant is identified by a token, or by
// its ID and key. The response is [Empty].
type RetireGrantRequest struct {
	DryRun     *bool   `json:"DryRun,omitzero"`
	GrantId    *string `json:"GrantId,omitzero" kms:"len=1:128"`
	GrantToken *string `json:"GrantToken,omitzero" kms:"sensitive,len=1:8192"`
	KeyId      *string `json:"KeyId,omitzero" kms:"len=1:2048"`
}
