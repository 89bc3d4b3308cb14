package api

// VerifyRequest asks whether a signature matches a message. KeyId may be an alias.
type VerifyRequest struct {
	DryRun           *bool    `json:"DryRun,omitzero"`
	GrantTokens      []string `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId            *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Message          []byte   `json:"Message,omitzero" kms:"required,sensitive,len=0:4096"`
	MessageType      *string  `json:"MessageType,omitzero" kms:"enum=MessageType"`
	Signature        []byte   `json:"Signature,omitzero" kms:"required,len=1:6144"`
	SigningAlgorithm *string  `json:"SigningAlgorithm,omitzero" kms:"required,enum=SigningAlgorithmSpec"`
}

// VerifyResponse means that the signature matches; otherwise the operation returns an error. KeyId is an ARN.
type VerifyResponse struct {
	KeyId            *string `json:"KeyId,omitzero"`
	SignatureValid   bool    `json:"SignatureValid"`
	SigningAlgorithm *string `json:"SigningAlgorithm,omitzero" kms:"enum=SigningAlgorithmSpec"`
}
