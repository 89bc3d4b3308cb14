package api

// GetPublicKeyRequest asks for the public half of a key; KeyId may be an alias.
type GetPublicKeyRequest struct {
	GrantTokens []string `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId       *string  `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// GetPublicKeyResponse has the public key as DER SubjectPublicKeyInfo, and the list of algorithms for its
// usage. KeyId is an ARN.
type GetPublicKeyResponse struct {
	CustomerMasterKeySpec   *string  `json:"CustomerMasterKeySpec,omitzero" kms:"enum=CustomerMasterKeySpec"`
	EncapsulationAlgorithms []string `json:"EncapsulationAlgorithms,omitzero" kms:"enum=EncapsulationAlgorithmSpec"`
	EncryptionAlgorithms    []string `json:"EncryptionAlgorithms,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	KeyAgreementAlgorithms  []string `json:"KeyAgreementAlgorithms,omitzero" kms:"enum=KeyAgreementAlgorithmSpec"`
	KeyId                   *string  `json:"KeyId,omitzero"`
	KeySpec                 *string  `json:"KeySpec,omitzero" kms:"enum=KeySpec"`
	KeyUsage                *string  `json:"KeyUsage,omitzero" kms:"enum=KeyUsageType"`
	PublicKey               []byte   `json:"PublicKey,omitzero"`
	SigningAlgorithms       []string `json:"SigningAlgorithms,omitzero" kms:"enum=SigningAlgorithmSpec"`
}
