package api

// ImportKeyMaterialRequest has wrapped key material and the import token that belongs to the wrapping key.
type ImportKeyMaterialRequest struct {
	EncryptedKeyMaterial   []byte     `json:"EncryptedKeyMaterial,omitzero" kms:"required,len=1:6144"`
	ExpirationModel        *string    `json:"ExpirationModel,omitzero" kms:"enum=ExpirationModelType"`
	ImportToken            []byte     `json:"ImportToken,omitzero" kms:"required,len=1:6144"`
	ImportType             *string    `json:"ImportType,omitzero" kms:"enum=ImportType"`
	KeyId                  *string    `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyMaterialDescription *string    `json:"KeyMaterialDescription,omitzero" kms:"len=0:256,pattern=materialText"`
	KeyMaterialId          *string    `json:"KeyMaterialId,omitzero" kms:"len=64:64,pattern=materialID"`
	ValidTo                *Timestamp `json:"ValidTo,omitzero"`
}

// ImportKeyMaterialResponse has the ARN of the key and the ID of the material.
type ImportKeyMaterialResponse struct {
	KeyId         *string `json:"KeyId,omitzero"`
	KeyMaterialId *string `json:"KeyMaterialId,omitzero"`
}
