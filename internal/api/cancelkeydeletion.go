package api

// CancelKeyDeletionRequest asks to cancel the deletion of a key.
type CancelKeyDeletionRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// CancelKeyDeletionResponse has the ARN of the key.
type CancelKeyDeletionResponse struct {
	KeyId *string `json:"KeyId,omitzero"`
}
