package api

// ListResourceTagsRequest asks for a page of a key's tags.
type ListResourceTagsRequest struct {
	KeyId  *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Limit  *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
}

// ListResourceTagsResponse has a page of tags. NextMarker is present if Truncated is true.
type ListResourceTagsResponse struct {
	NextMarker *string `json:"NextMarker,omitzero"`
	Tags       []Tag   `json:"Tags"`
	Truncated  bool    `json:"Truncated"`
}
