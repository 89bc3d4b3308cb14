package api

// DisableKeyRequest asks to disable a key. The response is [Empty].
type DisableKeyRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}
