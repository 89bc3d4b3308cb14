package api

// DeleteImportedKeyMaterialRequest asks to delete imported material of a key, by default the current material.
type DeleteImportedKeyMaterialRequest struct {
	KeyId         *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyMaterialId *string `json:"KeyMaterialId,omitzero" kms:"len=64:64,pattern=materialID"`
}

// DeleteImportedKeyMaterialResponse has the ARN of the key and the ID of the deleted material.
type DeleteImportedKeyMaterialResponse struct {
	KeyId         *string `json:"KeyId,omitzero"`
	KeyMaterialId *string `json:"KeyMaterialId,omitzero"`
}
