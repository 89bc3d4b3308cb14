package api

// ListRetirableGrantsRequest asks for a page of the grants, on keys of any account, whose retiring principal is
// the given principal.
type ListRetirableGrantsRequest struct {
	Limit                    *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker                   *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
	RetiringPrincipal        *string `json:"RetiringPrincipal,omitzero" kms:"len=1:256,pattern=principal"`
	RetiringServicePrincipal *string `json:"RetiringServicePrincipal,omitzero" kms:"len=1:256,pattern=principal"`
}

// ListRetirableGrantsResponse has a page of grants. NextMarker is present if Truncated is true.
type ListRetirableGrantsResponse struct {
	Grants     []GrantListEntry `json:"Grants"`
	NextMarker *string          `json:"NextMarker,omitzero"`
	Truncated  bool             `json:"Truncated"`
}
