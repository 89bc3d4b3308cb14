package api

// CreateAliasRequest asks for a name for a key. The operation allows fewer names
// than the pattern does. The response is [Empty].
type CreateAliasRequest struct {
	AliasName   *string `json:"AliasName,omitzero" kms:"required,len=1:256,pattern=alias"`
	TargetKeyId *string `json:"TargetKeyId,omitzero" kms:"required,len=1:2048"`
}
