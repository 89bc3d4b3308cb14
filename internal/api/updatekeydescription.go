package api

// UpdateKeyDescriptionRequest asks to replace the description of a key. The new description may be empty. The
// response is [Empty].
type UpdateKeyDescriptionRequest struct {
	Description *string `json:"Description,omitzero" kms:"required,len=0:8192"`
	KeyId       *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}
