package api

// GetKeyRotationStatusRequest asks whether and when a key is rotated.
type GetKeyRotationStatusRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// GetKeyRotationStatusResponse names the key, by ARN; the dates and the period
// are absent unless there is a rotation to tell of.
type GetKeyRotationStatusResponse struct {
	KeyId                     *string    `json:"KeyId,omitzero"`
	KeyRotationEnabled        bool       `json:"KeyRotationEnabled"`
	NextRotationDate          *Timestamp `json:"NextRotationDate,omitzero"`
	OnDemandRotationStartDate *Timestamp `json:"OnDemandRotationStartDate,omitzero"`
	RotationPeriodInDays      *int32     `json:"RotationPeriodInDays,omitzero"`
}
