package api

// RotateKeyOnDemandRequest asks for a rotation of a key now.
type RotateKeyOnDemandRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// RotateKeyOnDemandResponse has the ID of the key.
type RotateKeyOnDemandResponse struct {
	KeyId *string `json:"KeyId,omitzero"`
}
