package api

// UpdateAliasRequest asks to associate an alias with another key. The response is [Empty].
type UpdateAliasRequest struct {
	AliasName   *string `json:"AliasName,omitzero" kms:"required,len=1:256,pattern=alias"`
	TargetKeyId *string `json:"TargetKeyId,omitzero" kms:"required,len=1:2048"`
}
