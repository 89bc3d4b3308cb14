package api

// UpdatePrimaryRegionRequest asks to exchange the roles of a primary key, given by KeyId, and one of its
// replicas. The response is [Empty].
type UpdatePrimaryRegionRequest struct {
	KeyId         *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	PrimaryRegion *string `json:"PrimaryRegion,omitzero" kms:"required,len=1:32,pattern=region"`
}
