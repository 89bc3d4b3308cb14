package api

// DeleteAliasRequest asks to delete an alias, but not its key. The response is [Empty].
type DeleteAliasRequest struct {
	AliasName *string `json:"AliasName,omitzero" kms:"required,len=1:256,pattern=alias"`
}
