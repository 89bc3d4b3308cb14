package api

// GenerateDataKeyWithoutPlaintextRequest asks for an encrypted data key. KeyId may be an alias. The operation
// requires either KeySpec or NumberOfBytes.
type GenerateDataKeyWithoutPlaintextRequest struct {
	DryRun            *bool             `json:"DryRun,omitzero"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId             *string           `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeySpec           *string           `json:"KeySpec,omitzero" kms:"enum=DataKeySpec"`
	NumberOfBytes     *int32            `json:"NumberOfBytes,omitzero" kms:"range=1:1024"`
}

// GenerateDataKeyWithoutPlaintextResponse has the encrypted data key. KeyId is an ARN.
type GenerateDataKeyWithoutPlaintextResponse struct {
	CiphertextBlob []byte  `json:"CiphertextBlob,omitzero"`
	KeyId          *string `json:"KeyId,omitzero"`
	KeyMaterialId  *string `json:"KeyMaterialId,omitzero"`
}
