package api

// SeedKeyRequest declares a key of a dev server: its ID and, if KeyMaterial is
// given, its material in the clear: bytes, or a valid private key in PKCS #8. No server takes it over the wire. Of ValidTo
// and ValidityDays, which counts from when the key is made, one at most is given.
type SeedKeyRequest struct {
	Description  *string    `json:"Description,omitzero" kms:"len=0:8192"`
	Enabled      *bool      `json:"Enabled,omitzero"`
	KeyId        *string    `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	KeyMaterial  []byte     `json:"KeyMaterial,omitzero" kms:"sensitive,len=1:8192"`
	KeySpec      *string    `json:"KeySpec,omitzero" kms:"enum=KeySpec"`
	KeyUsage     *string    `json:"KeyUsage,omitzero" kms:"enum=KeyUsageType"`
	Origin       *string    `json:"Origin,omitzero" kms:"required,enum=OriginType"`
	Tags         []Tag      `json:"Tags,omitzero"`
	ValidTo      *Timestamp `json:"ValidTo,omitzero"`
	ValidityDays *int32     `json:"ValidityDays,omitzero" kms:"range=1:365"`
}
