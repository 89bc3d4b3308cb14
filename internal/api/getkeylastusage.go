package api

// GetKeyLastUsageRequest asks when a key was last used, and for what.
type GetKeyLastUsageRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// GetKeyLastUsageResponse names the key, by its bare ID; KeyLastUsage is empty if
// nothing is known.
type GetKeyLastUsageResponse struct {
	KeyCreationDate   *Timestamp        `json:"KeyCreationDate,omitzero"`
	KeyId             *string           `json:"KeyId,omitzero"`
	KeyLastUsage      *KeyLastUsageData `json:"KeyLastUsage,omitzero"`
	TrackingStartDate *Timestamp        `json:"TrackingStartDate,omitzero"`
}

// KeyLastUsageData is the last cryptographic operation on a key that succeeded.
type KeyLastUsageData struct {
	CloudTrailEventId *string    `json:"CloudTrailEventId,omitzero"`
	KmsRequestId      *string    `json:"KmsRequestId,omitzero"`
	Operation         *string    `json:"Operation,omitzero" kms:"enum=KeyLastUsageTrackingOperation"`
	Timestamp         *Timestamp `json:"Timestamp,omitzero"`
}
