package api

// DeriveSharedSecretRequest asks for the secret shared with the owner of a public key, given as DER
// SubjectPublicKeyInfo. KeyId may be an alias.
type DeriveSharedSecretRequest struct {
	DryRun                *bool          `json:"DryRun,omitzero"`
	GrantTokens           []string       `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	KeyAgreementAlgorithm *string        `json:"KeyAgreementAlgorithm,omitzero" kms:"required,enum=KeyAgreementAlgorithmSpec"`
	KeyId                 *string        `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	PublicKey             []byte         `json:"PublicKey,omitzero" kms:"required,len=1:8192"`
	Recipient             *RecipientInfo `json:"Recipient,omitzero"`
}

// DeriveSharedSecretResponse has the secret, or CiphertextForRecipient instead. KeyId is an ARN.
type DeriveSharedSecretResponse struct {
	CiphertextForRecipient []byte  `json:"CiphertextForRecipient,omitzero"`
	KeyAgreementAlgorithm  *string `json:"KeyAgreementAlgorithm,omitzero" kms:"enum=KeyAgreementAlgorithmSpec"`
	KeyId                  *string `json:"KeyId,omitzero"`
	KeyOrigin              *string `json:"KeyOrigin,omitzero" kms:"enum=OriginType"`
	SharedSecret           []byte  `json:"SharedSecret,omitzero" kms:"sensitive"`
}
