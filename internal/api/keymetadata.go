package api

// KeyMetadata describes a key. KeyId is the ID, Arn the ARN. Lists of algorithms are absent if they do not
// apply to the key's usage.
type KeyMetadata struct {
	AWSAccountId                *string                   `json:"AWSAccountId,omitzero"`
	Arn                         *string                   `json:"Arn,omitzero"`
	CloudHsmClusterId           *string                   `json:"CloudHsmClusterId,omitzero"`
	CreationDate                *Timestamp                `json:"CreationDate,omitzero"`
	CurrentKeyMaterialId        *string                   `json:"CurrentKeyMaterialId,omitzero"`
	CustomKeyStoreId            *string                   `json:"CustomKeyStoreId,omitzero"`
	CustomerMasterKeySpec       *string                   `json:"CustomerMasterKeySpec,omitzero" kms:"enum=CustomerMasterKeySpec"`
	DeletionDate                *Timestamp                `json:"DeletionDate,omitzero"`
	Description                 *string                   `json:"Description,omitzero"`
	Enabled                     bool                      `json:"Enabled"`
	EncapsulationAlgorithms     []string                  `json:"EncapsulationAlgorithms,omitzero" kms:"enum=EncapsulationAlgorithmSpec"`
	EncryptionAlgorithms        []string                  `json:"EncryptionAlgorithms,omitzero" kms:"enum=EncryptionAlgorithmSpec"`
	ExpirationModel             *string                   `json:"ExpirationModel,omitzero" kms:"enum=ExpirationModelType"`
	KeyAgreementAlgorithms      []string                  `json:"KeyAgreementAlgorithms,omitzero" kms:"enum=KeyAgreementAlgorithmSpec"`
	KeyId                       *string                   `json:"KeyId,omitzero"`
	KeyManager                  *string                   `json:"KeyManager,omitzero" kms:"enum=KeyManagerType"`
	KeySpec                     *string                   `json:"KeySpec,omitzero" kms:"enum=KeySpec"`
	KeyState                    *string                   `json:"KeyState,omitzero" kms:"enum=KeyState"`
	KeyUsage                    *string                   `json:"KeyUsage,omitzero" kms:"enum=KeyUsageType"`
	MacAlgorithms               []string                  `json:"MacAlgorithms,omitzero" kms:"enum=MacAlgorithmSpec"`
	MultiRegion                 *bool                     `json:"MultiRegion,omitzero"`
	MultiRegionConfiguration    *MultiRegionConfiguration `json:"MultiRegionConfiguration,omitzero"`
	Origin                      *string                   `json:"Origin,omitzero" kms:"enum=OriginType"`
	PendingDeletionWindowInDays *int32                    `json:"PendingDeletionWindowInDays,omitzero"`
	SigningAlgorithms           []string                  `json:"SigningAlgorithms,omitzero" kms:"enum=SigningAlgorithmSpec"`
	ValidTo                     *Timestamp                `json:"ValidTo,omitzero"`
	XksKeyConfiguration         *XksKeyConfigurationType  `json:"XksKeyConfiguration,omitzero"`
}

// MultiRegionConfiguration lists the primary key and all replicas of a multi-Region key.
type MultiRegionConfiguration struct {
	MultiRegionKeyType *string          `json:"MultiRegionKeyType,omitzero" kms:"enum=MultiRegionKeyType"`
	PrimaryKey         *MultiRegionKey  `json:"PrimaryKey,omitzero"`
	ReplicaKeys        []MultiRegionKey `json:"ReplicaKeys"`
}

// A MultiRegionKey is one key of a set of related multi-Region keys.
type MultiRegionKey struct {
	Arn    *string `json:"Arn,omitzero"`
	Region *string `json:"Region,omitzero"`
}

// XksKeyConfigurationType identifies a key in an external key store.
type XksKeyConfigurationType struct {
	Id *string `json:"Id,omitzero"`
}
