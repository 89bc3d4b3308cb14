package api

// DeleteAliasRequest asks to remove a name of a key, not the key. The response
// is [Empty].
type DeleteAliasRequest struct {
	AliasName *string `json:"AliasName,omitzero" kms:"required,len=1:256,pattern=alias"`
}
