package api

// DecryptRequest asks to decrypt a ciphertext. The operation checks that CiphertextBlob is present, unless the
// request is a dry run that ignores it.
type DecryptRequest struct {
	CiphertextBlob      []byte            `json:"CiphertextBlob,omitzero" kms:"len=1:6144"`
	DryRun              *bool             `json:"DryRun,omitzero"`
	DryRunModifiers     []string          `json:"DryRunModifiers,omitzero" kms:"enum=DryRunModifierType"`
	EncryptionAlgorithm *string           `json:"EncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	EncryptionContext   map[string]string `json:"EncryptionContext,omitzero"`
	GrantTokens         []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyId               *string           `json:"KeyId,omitzero" kms:"len=1:2048"`
	Recipient           *RecipientInfo    `json:"Recipient,omitzero"`
}

// DecryptResponse has the plaintext, or CiphertextForRecipient instead. KeyId is an ARN.
type DecryptResponse struct {
	CiphertextForRecipient []byte  `json:"CiphertextForRecipient,omitzero"`
	EncryptionAlgorithm    *string `json:"EncryptionAlgorithm,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	KeyId                  *string `json:"KeyId,omitzero"`
	KeyMaterialId          *string `json:"KeyMaterialId,omitzero"`
	Plaintext              []byte  `json:"Plaintext,omitzero" kms:"sensitive"`
}

// RecipientInfo asks for an answer that is encrypted for an attested enclave.
type RecipientInfo struct {
	AttestationDocument    []byte  `json:"AttestationDocument,omitzero" kms:"len=1:262144"`
	KeyEncryptionAlgorithm *string `json:"KeyEncryptionAlgorithm,omitzero" kms:"enum=KeyEncryptionMechanism"`
}
