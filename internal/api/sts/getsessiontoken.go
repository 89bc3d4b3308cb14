package sts

// GetSessionTokenRequest asks for temporary credentials for the caller.
type GetSessionTokenRequest struct {
	DurationSeconds         *int32  `json:"DurationSeconds,omitzero" kms:"range=900:129600"`
	MinimumSessionTokenSize *int32  `json:"MinimumSessionTokenSize,omitzero" kms:"range=0:4096"`
	SerialNumber            *string `json:"SerialNumber,omitzero" kms:"len=9:256"`
	TokenCode               *string `json:"TokenCode,omitzero" kms:"sensitive,len=6:6"`
}

// GetSessionTokenResponse has the credentials.
type GetSessionTokenResponse struct {
	Credentials             *Credentials `json:"Credentials,omitzero"`
	SessionTokenSize        *int32       `json:"SessionTokenSize,omitzero"`
	SessionTokenUtilization *int32       `json:"SessionTokenUtilization,omitzero"`
}
