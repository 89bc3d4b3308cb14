package api

// SignRequest asks to sign a message of up to 4096 bytes, which may be empty, or a digest. KeyId may be an
// alias.
type SignRequest struct {
	DryRun           *bool    `json:"DryRun,omitzero"`
	GrantTokens      []string `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId            *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Message          []byte   `json:"Message,omitzero" kms:"required,sensitive,len=0:4096"`
	MessageType      *string  `json:"MessageType,omitzero" kms:"enum=MessageType"`
	SigningAlgorithm *string  `json:"SigningAlgorithm,omitzero" kms:"required,enum=SigningAlgorithmSpec"`
}

// SignResponse has the signature. KeyId is an ARN.
type SignResponse struct {
	KeyId            *string `json:"KeyId,omitzero"`
	Signature        []byte  `json:"Signature,omitzero"`
	SigningAlgorithm *string `json:"SigningAlgorithm,omitzero" kms:"enum=SigningAlgorithmSpec"`
}
