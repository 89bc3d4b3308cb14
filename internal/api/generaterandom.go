package api

// GenerateRandomRequest asks for random bytes. NumberOfBytes is required; the
// operation sees to that, as the members do not.
type GenerateRandomRequest struct {
	CustomKeyStoreId *string        `json:"CustomKeyStoreId,omitzero" kms:"len=1:64"`
	NumberOfBytes    *int32         `json:"NumberOfBytes,omitzero" kms:"range=1:1024"`
	Recipient        *RecipientInfo `json:"Recipient,omitzero"`
}

// GenerateRandomResponse holds the bytes, or CiphertextForRecipient in their
// place.
type GenerateRandomResponse struct {
	CiphertextForRecipient []byte `json:"CiphertextForRecipient,omitzero"`
	Plaintext              []byte `json:"Plaintext,omitzero" kms:"sensitive"`
}
