package api

// ListKeyPoliciesRequest asks for a page of the names of a key's policies.
type ListKeyPoliciesRequest struct {
	KeyId  *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Limit  *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
}

// ListKeyPoliciesResponse has a page of names. NextMarker is present if Truncated is true.
type ListKeyPoliciesResponse struct {
	NextMarker  *string  `json:"NextMarker,omitzero"`
	PolicyNames []string `json:"PolicyNames"`
	Truncated   bool     `json:"Truncated"`
}
