package api

// ListKeyRotationsRequest asks for a page of the rotations of a key, or of all its materials.
type ListKeyRotationsRequest struct {
	IncludeKeyMaterial *string `json:"IncludeKeyMaterial,omitzero" kms:"enum=IncludeKeyMaterial"`
	KeyId              *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Limit              *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker             *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
}

// ListKeyRotationsResponse has a page of rotations. NextMarker is present if Truncated is true.
type ListKeyRotationsResponse struct {
	NextMarker *string              `json:"NextMarker,omitzero"`
	Rotations  []RotationsListEntry `json:"Rotations"`
	Truncated  bool                 `json:"Truncated"`
}

// A RotationsListEntry is a material of a key, with the rotation that made it current. KeyId is the ID. Only
// imported material has an import state, a description and an expiration.
type RotationsListEntry struct {
	ExpirationModel        *string    `json:"ExpirationModel,omitzero" kms:"enum=ExpirationModelType"`
	ImportState            *string    `json:"ImportState,omitzero" kms:"enum=ImportState"`
	KeyId                  *string    `json:"KeyId,omitzero"`
	KeyMaterialDescription *string    `json:"KeyMaterialDescription,omitzero"`
	KeyMaterialId          *string    `json:"KeyMaterialId,omitzero"`
	KeyMaterialState       *string    `json:"KeyMaterialState,omitzero" kms:"enum=KeyMaterialState"`
	RotationDate           *Timestamp `json:"RotationDate,omitzero"`
	RotationType           *string    `json:"RotationType,omitzero" kms:"enum=RotationType"`
	ValidTo                *Timestamp `json:"ValidTo,omitzero"`
}
