package api

// DisableKeyRotationRequest asks to disable automatic rotation of a key. The response is [Empty].
type DisableKeyRotationRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}
