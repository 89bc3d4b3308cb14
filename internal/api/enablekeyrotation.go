package api

// EnableKeyRotationRequest asks to enable automatic rotation of a key. The response is [Empty].
type EnableKeyRotationRequest struct {
	KeyId                *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	RotationPeriodInDays *int32  `json:"RotationPeriodInDays,omitzero" kms:"range=90:2560"`
}
