package api

// DecapsulateRequest asks for the secret of a ciphertext; KeyId may be an alias.
type DecapsulateRequest struct {
	DryRun                     *bool    `json:"DryRun,omitzero"`
	EncapsulationAlgorithm     *string  `json:"EncapsulationAlgorithm,omitzero" kms:"required,enum=EncapsulationAlgorithmSpec"`
	GrantTokens                []string `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId                      *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	SharedSecretCiphertextBlob []byte   `json:"SharedSecretCiphertextBlob,omitzero" kms:"required,len=1:6144"`
}

// DecapsulateResponse has the 32-byte secret. KeyId is an ARN.
type DecapsulateResponse struct {
	EncapsulationAlgorithm *string `json:"EncapsulationAlgorithm,omitzero" kms:"enum=EncapsulationAlgorithmSpec"`
	KeyId                  *string `json:"KeyId,omitzero"`
	SharedSecret           []byte  `json:"SharedSecret,omitzero" kms:"sensitive"`
}
