package api

// GenerateDataKeyRequest asks for a data key, both unencrypted and encrypted. KeyId may be an alias. The
// operation requires either KeySpec or NumberOfBytes.
type GenerateDataKeyRequest struct {
	DryRun            *bool             `json:"DryRun,omitzero"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId             *string           `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeySpec           *string           `json:"KeySpec,omitzero" kms:"enum=DataKeySpec"`
	NumberOfBytes     *int32            `json:"NumberOfBytes,omitzero" kms:"range=1:1024"`
	Recipient         *RecipientInfo    `json:"Recipient,omitzero"`
}

// GenerateDataKeyResponse has the data key as CiphertextBlob and as Plaintext, or CiphertextForRecipient
// instead of Plaintext. KeyId is an ARN.
type GenerateDataKeyResponse struct {
	CiphertextBlob         []byte  `json:"CiphertextBlob,omitzero"`
	CiphertextForRecipient []byte  `json:"CiphertextForRecipient,omitzero"`
	KeyId                  *string `json:"KeyId,omitzero"`
	KeyMaterialId          *string `json:"KeyMaterialId,omitzero"`
	Plaintext              []byte  `json:"Plaintext,omitzero" kms:"sensitive"`
}
