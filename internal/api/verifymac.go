package api

// VerifyMacRequest asks whether a message authentication code matches a message. KeyId may be an alias.
type VerifyMacRequest struct {
	DryRun       *bool    `json:"DryRun,omitzero"`
	GrantTokens  []string `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId        *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Mac          []byte   `json:"Mac,omitzero" kms:"required,len=1:6144"`
	MacAlgorithm *string  `json:"MacAlgorithm,omitzero" kms:"required,enum=MacAlgorithmSpec"`
	Message      []byte   `json:"Message,omitzero" kms:"required,sensitive,len=1:4096"`
}

// VerifyMacResponse means that the code matches; otherwise the operation returns an error. KeyId is an ARN.
type VerifyMacResponse struct {
	KeyId        *string `json:"KeyId,omitzero"`
	MacAlgorithm *string `json:"MacAlgorithm,omitzero" kms:"enum=MacAlgorithmSpec"`
	MacValid     bool    `json:"MacValid"`
}
