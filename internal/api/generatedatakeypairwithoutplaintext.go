package api

// GenerateDataKeyPairWithoutPlaintextRequest asks for a key pair with an encrypted private key. KeyId may be an
// alias.
type GenerateDataKeyPairWithoutPlaintextRequest struct {
	DryRun            *bool             `json:"DryRun,omitzero"`
	EncryptionContext map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens       []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId             *string           `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyPairSpec       *string           `json:"KeyPairSpec,omitzero" kms:"required,enum=DataKeyPairSpec"`
}

// GenerateDataKeyPairWithoutPlaintextResponse has the public key as DER SubjectPublicKeyInfo and the encrypted
// private key. KeyId is an ARN.
type GenerateDataKeyPairWithoutPlaintextResponse struct {
	KeyId                    *string `json:"KeyId,omitzero"`
	KeyMaterialId            *string `json:"KeyMaterialId,omitzero"`
	KeyPairSpec              *string `json:"KeyPairSpec,omitzero" kms:"enum=DataKeyPairSpec"`
	PrivateKeyCiphertextBlob []byte  `json:"PrivateKeyCiphertextBlob,omitzero"`
	PublicKey                []byte  `json:"PublicKey,omitzero"`
}
