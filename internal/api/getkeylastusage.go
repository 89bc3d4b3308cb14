package api

// GetKeyLastUsageRequest asks when a key was last used, and in which operation.
type GetKeyLastUsageRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// GetKeyLastUsageResponse has the ID of the key. KeyLastUsage is empty if no usage is known.
type GetKeyLastUsageResponse struct {
	KeyCreationDate   *Timestamp        `json:"KeyCreationDate,omitzero"`
	KeyId             *string           `json:"KeyId,omitzero"`
	KeyLastUsage      *KeyLastUsageData `json:"KeyLastUsage,omitzero"`
	TrackingStartDate *Timestamp        `json:"TrackingStartDate,omitzero"`
}

// KeyLastUsageData is the last successful cryptographic operation on a key.
type KeyLastUsageData struct {
	CloudTrailEventId *string    `json:"CloudTrailEventId,omitzero"`
	KmsRequestId      *string    `json:"KmsRequestId,omitzero"`
	Operation         *string    `json:"Operation,omitzero" kms:"enum=KeyLastUsageTrackingOperation"`
	Timestamp         *Timestamp `json:"Timestamp,omitzero"`
}
