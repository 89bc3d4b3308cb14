package api

// DeleteImportedKeyMaterialRequest asks to destroy material of a key; without
// KeyMaterialId, the current one.
type DeleteImportedKeyMaterialRequest struct {
	KeyId         *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyMaterialId *string `json:"KeyMaterialId,omitzero" kms:"len=64:64,pattern=materialID"`
}

// DeleteImportedKeyMaterialResponse names the key, by ARN, and what was
// destroyed.
type DeleteImportedKeyMaterialResponse struct {
	KeyId         *string `json:"KeyId,omitzero"`
	KeyMaterialId *string `json:"KeyMaterialId,omitzero"`
}
