package api

// EnableKeyRotationRequest asks to rotate the material of a key by itself. The
// response is [Empty].
type EnableKeyRotationRequest struct {
	KeyId                *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	RotationPeriodInDays *int32  `json:"RotationPeriodInDays,omitzero" kms:"range=90:2560"`
}
