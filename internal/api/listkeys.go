package api

// ListKeysRequest asks for a page of the account's keys in the Region.
type ListKeysRequest struct {
	Limit  *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
}

// ListKeysResponse has a page of keys. NextMarker is present if Truncated is true.
type ListKeysResponse struct {
	Keys       []KeyListEntry `json:"Keys"`
	NextMarker *string        `json:"NextMarker,omitzero"`
	Truncated  bool           `json:"Truncated"`
}

// A KeyListEntry is a key in a list.
type KeyListEntry struct {
	KeyArn *string `json:"KeyArn,omitzero"`
	KeyId  *string `json:"KeyId,omitzero"`
}
