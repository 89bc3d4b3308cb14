package api

// EnableKeyRequest asks to enable a key. The response is [Empty].
type EnableKeyRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}
