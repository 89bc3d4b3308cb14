package api

// GenerateRandomRequest asks for random bytes. The operation requires NumberOfBytes, although the API model
// does not.
type GenerateRandomRequest struct {
	CustomKeyStoreId *string        `json:"CustomKeyStoreId,omitzero" kms:"len=1:64"`
	NumberOfBytes    *int32         `json:"NumberOfBytes,omitzero" kms:"range=1:1024"`
	Recipient        *RecipientInfo `json:"Recipient,omitzero"`
}

// GenerateRandomResponse has the bytes, or CiphertextForRecipient instead.
type GenerateRandomResponse struct {
	CiphertextForRecipient []byte `json:"CiphertextForRecipient,omitzero"`
	Plaintext              []byte `json:"Plaintext,omitzero" kms:"sensitive"`
}
