package api

// ListAliasesRequest asks for a page of the account's aliases in the Region, or of the aliases of one key.
type ListAliasesRequest struct {
	KeyId  *string `json:"KeyId,omitzero" kms:"len=1:2048"`
	Limit  *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
}

// ListAliasesResponse has a page of aliases. NextMarker is present if Truncated is true.
type ListAliasesResponse struct {
	Aliases    []AliasListEntry `json:"Aliases"`
	NextMarker *string          `json:"NextMarker,omitzero"`
	Truncated  bool             `json:"Truncated"`
}

// An AliasListEntry is an alias in a list.
type AliasListEntry struct {
	AliasArn        *string    `json:"AliasArn,omitzero"`
	AliasName       *string    `json:"AliasName,omitzero"`
	CreationDate    *Timestamp `json:"CreationDate,omitzero"`
	LastUpdatedDate *Timestamp `json:"LastUpdatedDate,omitzero"`
	TargetKeyId     *string    `json:"TargetKeyId,omitzero"`
}
