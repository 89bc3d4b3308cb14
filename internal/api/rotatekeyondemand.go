package api

// RotateKeyOnDemandRequest asks to make other material of a key the current one.
type RotateKeyOnDemandRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// RotateKeyOnDemandResponse names the key, by its bare ID.
type RotateKeyOnDemandResponse struct {
	KeyId *string `json:"KeyId,omitzero"`
}
