package api

// CreateKeyRequest asks for a new key. CustomerMasterKeySpec is the deprecated form of KeySpec, without the
// newer specs.
type CreateKeyRequest struct {
	BypassPolicyLockoutSafetyCheck *bool   `json:"BypassPolicyLockoutSafetyCheck,omitzero"`
	CustomKeyStoreId               *string `json:"CustomKeyStoreId,omitzero" kms:"len=1:64"`
	CustomerMasterKeySpec          *string `json:"CustomerMasterKeySpec,omitzero" kms:"enum=CustomerMasterKeySpec"`
	Description                    *string `json:"Description,omitzero" kms:"len=0:8192"`
	KeySpec                        *string `json:"KeySpec,omitzero" kms:"enum=KeySpec"`
	KeyUsage                       *string `json:"KeyUsage,omitzero" kms:"enum=KeyUsageType"`
	MultiRegion                    *bool   `json:"MultiRegion,omitzero"`
	Origin                         *string `json:"Origin,omitzero" kms:"enum=OriginType"`
	Policy                         *string `json:"Policy,omitzero" kms:"len=1:131072,pattern=policy"`
	Tags                           []Tag   `json:"Tags,omitzero"`
	XksKeyId                       *string `json:"XksKeyId,omitzero" kms:"len=1:128"`
}

// CreateKeyResponse describes the new key.
type CreateKeyResponse struct {
	KeyMetadata *KeyMetadata `json:"KeyMetadata,omitzero"`
}
