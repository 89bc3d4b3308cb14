package api

// ReEncryptRequest asks to decrypt and to encrypt again under another key or
// another context; both keys may be named by alias. CiphertextBlob may be absent
// in one case, a dry run that ignores it; the operation sees to that.
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

// ReEncryptResponse holds the new ciphertext. KeyId is the ARN of the key that
// it is under, SourceKeyId that of the former one.
type ReEncryptResponse struct {
	CiphertextBlob                 []byte  `json:"CiphertextBlob,omitzero"`
	DestinationEncryptionAlgorithm *string `json:"DestinationEncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	DestinationKeyMaterialId       *string `json:"DestinationKeyMaterialId,omitzero"`
	KeyId                          *string `json:"KeyId,omitzero"`
	SourceEncryptionAlgorithm      *string `json:"SourceEncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	SourceKeyId                    *string `json:"SourceKeyId,omitzero"`
	SourceKeyMaterialId            *string `json:"SourceKeyMaterialId,omitzero"`
}
