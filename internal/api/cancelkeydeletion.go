package api

// CancelKeyDeletionRequest asks to keep a key that waits for its deletion.
type CancelKeyDeletionRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// CancelKeyDeletionResponse names the key, by ARN.
type CancelKeyDeletionResponse struct {
	KeyId *string `json:"KeyId,omitzero"`
}
