package api

// CreateAliasRequest asks for an alias of a key. The operation rejects some names that match the pattern. The
// response is [Empty].
type CreateAliasRequest struct {
	AliasName   *string `json:"AliasName,omitzero" kms:"required,len=1:256,pattern=alias"`
	TargetKeyId *string `json:"TargetKeyId,omitzero" kms:"required,len=1:2048"`
}
