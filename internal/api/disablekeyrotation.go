package api

// DisableKeyRotationRequest asks to rotate the material of a key no more by
// itself. The response is [Empty].
type DisableKeyRotationRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}
