package api

// ReplicateKeyRequest asks for a replica, in another Region, of a multi-Region
// primary key.
type ReplicateKeyRequest struct {
	BypassPolicyLockoutSafetyCheck *bool   `json:"BypassPolicyLockoutSafetyCheck,omitzero"`
	Description                    *string `json:"Description,omitzero" kms:"len=0:8192"`
	KeyId                          *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Policy                         *string `json:"Policy,omitzero" kms:"len=1:131072,pattern=policy"`
	ReplicaRegion                  *string `json:"ReplicaRegion,omitzero" kms:"required,len=1:32,pattern=region"`
	Tags                           []Tag   `json:"Tags,omitzero"`
}

// ReplicateKeyResponse describes the replica.
type ReplicateKeyResponse struct {
	ReplicaKeyMetadata *KeyMetadata `json:"ReplicaKeyMetadata,omitzero"`
	ReplicaPolicy      *string      `json:"ReplicaPolicy,omitzero"`
	ReplicaTags        []Tag        `json:"ReplicaTags,omitzero"`
}
