package api

// SeedKeyRequest declares a key of a dev server, with its ID and optionally its unencrypted material: bytes, or
// a valid PKCS #8 private key. Servers do not accept it over the wire. At most one of ValidTo and ValidityDays,
// which counts from the creation of the key, may be present.
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
