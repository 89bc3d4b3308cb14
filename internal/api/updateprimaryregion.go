package api

// UpdatePrimaryRegionRequest asks that a replica and the primary key, which KeyId
// names, change their parts. The response is [Empty].
type UpdatePrimaryRegionRequest struct {
	KeyId         *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	PrimaryRegion *string `json:"PrimaryRegion,omitzero" kms:"required,len=1:32,pattern=region"`
}
