package api

// GetParametersForImportRequest asks for a wrapping key and an import token.
type GetParametersForImportRequest struct {
	KeyId             *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	WrappingAlgorithm *string `json:"WrappingAlgorithm,omitzero" kms:"required,enum=AlgorithmSpec"`
	WrappingKeySpec   *string `json:"WrappingKeySpec,omitzero" kms:"required,enum=WrappingKeySpec"`
}

// GetParametersForImportResponse has a wrapping key and the import token that belongs to it. KeyId is an ARN,
// PublicKey a DER SubjectPublicKeyInfo.
type GetParametersForImportResponse struct {
	ImportToken       []byte     `json:"ImportToken,omitzero"`
	KeyId             *string    `json:"KeyId,omitzero"`
	ParametersValidTo *Timestamp `json:"ParametersValidTo,omitzero"`
	PublicKey         []byte     `json:"PublicKey,omitzero"`
}
