package api

// EnableKeyRequest asks to let a key be used again. The response is [Empty].
type EnableKeyRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}
