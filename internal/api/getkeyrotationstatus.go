package api

// GetKeyRotationStatusRequest asks whether and when a key is rotated.
type GetKeyRotationStatusRequest struct {
	KeyId *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
}

// GetKeyRotationStatusResponse has the ARN of the key. The dates and the period are absent if they do not
// apply.
type GetKeyRotationStatusResponse struct {
	KeyId                     *string    `json:"KeyId,omitzero"`
	KeyRotationEnabled        bool       `json:"KeyRotationEnabled"`
	NextRotationDate          *Timestamp `json:"NextRotationDate,omitzero"`
	OnDemandRotationStartDate *Timestamp `json:"OnDemandRotationStartDate,omitzero"`
	RotationPeriodInDays      *int32     `json:"RotationPeriodInDays,omitzero"`
}
