package api

// DisableKeyRequest asks to let a key be used no more. The response is [Empty].
type DisableKeyRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}
