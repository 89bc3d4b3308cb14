package api

// EncapsulateRequest asks for a new secret and its ciphertext; KeyId may be an
// alias.
type EncapsulateRequest struct {
	DryRun                 *bool    `json:"DryRun,omitzero"`
	EncapsulationAlgorithm *string  `json:"EncapsulationAlgorithm,omitzero" kms:"required,enum=EncapsulationAlgorithmSpec"`
	GrantTokens            []string `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId                  *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// EncapsulateResponse has the 32-byte secret and its ciphertext. KeyId is an ARN.
type EncapsulateResponse struct {
	EncapsulationAlgorithm     *string `json:"EncapsulationAlgorithm,omitzero" kms:"enum=EncapsulationAlgorithmSpec"`
	KeyId                      *string `json:"KeyId,omitzero"`
	SharedSecret               []byte  `json:"SharedSecret,omitzero" kms:"sensitive"`
	SharedSecretCiphertextBlob []byte  `json:"SharedSecretCiphertextBlob,omitzero"`
}
