package api

// ReEncryptRequest asks to decrypt a ciphertext and to encrypt the plaintext under another key or with another
// context. Both keys can be given by alias. The operation checks that CiphertextBlob is present, unless the
// request is a dry run that ignores it.
type ReEncryptRequest struct {
	CiphertextBlob                 []byte            `json:"CiphertextBlob,omitzero" kms:"len=1:6144"`
	DestinationEncryptionAlgorithm *string           `json:"DestinationEncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	DestinationEncryptionContext   map[string]string `json:"DestinationEncryptionContext,omitzero"`
	DestinationKeyId               *string           `json:"DestinationKeyId,omitzero" kms:"required,len=1:2048"`
	DryRun                         *bool             `json:"DryRun,omitzero"`
	DryRunModifiers                []string          `json:"DryRunModifiers,omitzero" kms:"enum=DryRunModifierType"`
	GrantTokens                    []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	SourceEncryptionAlgorithm      *string           `json:"SourceEncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	SourceEncryptionContext        map[string]string `json:"SourceEncryptionContext,omitzero"`
	SourceKeyId                    *string           `json:"SourceKeyId,omitzero" kms:"len=1:2048"`
}

// ReEncryptResponse has the new ciphertext. KeyId is the ARN of its key, SourceKeyId the ARN of the previous
// key.
type ReEncryptResponse struct {
	CiphertextBlob                 []byte  `json:"CiphertextBlob,omitzero"`
	DestinationEncryptionAlgorithm *string `json:"DestinationEncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	DestinationKeyMaterialId       *string `json:"DestinationKeyMaterialId,omitzero"`
	KeyId                          *string `json:"KeyId,omitzero"`
	SourceEncryptionAlgorithm      *string `json:"SourceEncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	SourceKeyId                    *string `json:"SourceKeyId,omitzero"`
	SourceKeyMaterialId            *string `json:"SourceKeyMaterialId,omitzero"`
}
