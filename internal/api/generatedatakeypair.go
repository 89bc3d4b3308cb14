package api

// GenerateDataKeyPairRequest asks for a pair of keys for the caller's own use,
// in the clear and the private one encrypted; KeyId may be an alias.
type GenerateDataKeyPairRequest struct {
	DryRun            *bool             `json:"DryRun,omitzero"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId             *string           `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyPairSpec       *string           `json:"KeyPairSpec,omitzero" kms:"required,enum=DataKeyPairSpec"`
	Recipient         *RecipientInfo    `json:"Recipient,omitzero"`
}

// GenerateDataKeyPairResponse holds the public key as DER SubjectPublicKeyInfo
// and the private one, DER PKCS #8, twice: PrivateKeyPlaintext, or
// CiphertextForRecipient in its place, and PrivateKeyCiphertextBlob. KeyId is an
// ARN.
type GenerateDataKeyPairResponse struct {
	CiphertextForRecipient   []byte  `json:"CiphertextForRecipient,omitzero"`
	KeyId                    *string `json:"KeyId,omitzero"`
	KeyMaterialId            *string `json:"KeyMaterialId,omitzero"`
	KeyPairSpec              *string `json:"KeyPairSpec,omitzero" kms:"enum=DataKeyPairSpec"`
	PrivateKeyCiphertextBlob []byte  `json:"PrivateKeyCiphertextBlob,omitzero"`
	PrivateKeyPlaintext      []byte  `json:"PrivateKeyPlaintext,omitzero" kms:"sensitive"`
	PublicKey                []byte  `json:"PublicKey,omitzero"`
}
