package api

// GenerateDataKeyPairRequest asks for a key pair for the caller's own use, with the private key both
// unencrypted and encrypted. KeyId may be an alias.
type GenerateDataKeyPairRequest struct {
	DryRun            *bool             `json:"DryRun,omitzero"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId             *string           `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyPairSpec       *string           `json:"KeyPairSpec,omitzero" kms:"required,enum=DataKeyPairSpec"`
	Recipient         *RecipientInfo    `json:"Recipient,omitzero"`
}

// GenerateDataKeyPairResponse has the public key as DER SubjectPublicKeyInfo. It has the private key, DER PKCS
// #8, as PrivateKeyCiphertextBlob and as PrivateKeyPlaintext, or CiphertextForRecipient instead of the latter.
// KeyId is an ARN.
type GenerateDataKeyPairResponse struct {
	CiphertextForRecipient   []byte  `json:"CiphertextForRecipient,omitzero"`
	KeyId                    *string `json:"KeyId,omitzero"`
	KeyMaterialId            *string `json:"KeyMaterialId,omitzero"`
	KeyPairSpec              *string `json:"KeyPairSpec,omitzero" kms:"enum=DataKeyPairSpec"`
	PrivateKeyCiphertextBlob []byte  `json:"PrivateKeyCiphertextBlob,omitzero"`
	PrivateKeyPlaintext      []byte  `json:"PrivateKeyPlaintext,omitzero" kms:"sensitive"`
	PublicKey                []byte  `json:"PublicKey,omitzero"`
}
