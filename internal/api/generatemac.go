package api

// GenerateMacRequest asks for the message authentication code of up to 4096
// bytes; KeyId may be an alias.
type GenerateMacRequest struct {
	DryRun       *bool    `json:"DryRun,omitzero"`
	GrantTokens  []string `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId        *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	MacAlgorithm *string  `json:"MacAlgorithm,omitzero" kms:"required,enum=MacAlgorithmSpec"`
	Message      []byte   `json:"Message,omitzero" kms:"required,sensitive,len=1:4096"`
}

// GenerateMacResponse has the code. KeyId is an ARN.
type GenerateMacResponse struct {
	KeyId        *string `json:"KeyId,omitzero"`
	Mac          []byte  `json:"Mac,omitzero"`
	MacAlgorithm *string `json:"MacAlgorithm,omitzero" kms:"enum=MacAlgorithmSpec"`
}
