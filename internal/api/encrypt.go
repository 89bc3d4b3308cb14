package api

// EncryptRequest asks to encrypt up to 4096 bytes; KeyId may be an alias.
type EncryptRequest struct {
	DryRun              *bool             `json:"DryRun,omitzero"`
	EncryptionAlgorithm *string           `json:"EncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	EncryptionContext   map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens         []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId               *string           `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Plaintext           []byte            `json:"Plaintext,omitzero" kms:"required,sensitive,len=1:4096"`
}

// EncryptResponse has the ciphertext. KeyId is an ARN.
type EncryptResponse struct {
	CiphertextBlob      []byte  `json:"CiphertextBlob,omitzero"`
	EncryptionAlgorithm *string `json:"EncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	KeyId               *string `json:"KeyId,omitzero"`
}
