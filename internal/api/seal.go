package api

// The requests about the seal of a deployment are not part of the KMS API. The seal is the custody of the root key,
// the root key, and the data keys under which all records are sealed.

// SealStatusRequest asks for the custodies of the root key, the keys, and their rotation.
type SealStatusRequest struct{}

// SealStatusResponse describes the seal. A deployment that an older version made has no RootKey: its only custody
// wraps the data keys.
type SealStatusResponse struct {
	Custodies []SealCustody `json:"Custodies"`
	RootKey   *SealKey      `json:"RootKey,omitzero"`
	DataKeys  []SealKey     `json:"DataKeys"`
	Rotation  *SealRotation `json:"Rotation,omitzero"`
}

// A SealCustody is a custody that opens the root key. Since is missing if it was not stored. Lags says that the
// custody has not wrapped the newest root key yet. Nodes use the custody; they are listed if several share the store.
// Of the custody that this server uses, Proved is the time of the last proof that succeeded; FailsSince is missing
// unless the proofs fail.
type SealCustody struct {
	CustodyId *string    `json:"CustodyId,omitzero"`
	Since     *Timestamp `json:"Since,omitzero"`
	InUse     bool       `json:"InUse"`
	Lags      bool       `json:"Lags"`
	Nodes     []string   `json:"Nodes,omitzero"`

	Proved     *Timestamp `json:"Proved,omitzero"`
	FailsSince *Timestamp `json:"FailsSince,omitzero"`
}

// A SealKey is a root key or a data key. State is the state of a data key: Sealing, Waiting or Opening. Records is
// the number of records that name a data key which is being replaced, once they are counted.
type SealKey struct {
	Version *int64     `json:"Version,omitzero"`
	Made    *Timestamp `json:"Made,omitzero"`
	State   *string    `json:"State,omitzero"`
	Records *int64     `json:"Records,omitzero"`
}

// A SealRotation is the progress of a rotation of data keys. Total and Left are known once the records are counted.
// DestroyAfter is the time after which the older data keys are destroyed.
type SealRotation struct {
	DataKey      *int64     `json:"DataKey,omitzero"`
	Phase        *string    `json:"Phase,omitzero"`
	Begun        *Timestamp `json:"Begun,omitzero"`
	Total        *int64     `json:"Total,omitzero"`
	Left         *int64     `json:"Left,omitzero"`
	Stuck        *int64     `json:"Stuck,omitzero"`
	DestroyAfter *Timestamp `json:"DestroyAfter,omitzero"`
}

// SealMigrateRequest adds a custody, which the server opens itself, or removes one. To is a custody as in --custody,
// and From is the ID of one in the keyring. A request has one of them.
type SealMigrateRequest struct {
	From *string `json:"From,omitzero" kms:"len=1:256"`
	To   *string `json:"To,omitzero" kms:"len=1:4096"`
}

// SealMigrateResponse has the ID of the custody that was added or removed, and the ID of the custody that the server
// used before.
type SealMigrateResponse struct {
	CustodyId *string `json:"CustodyId,omitzero"`
	FormerId  *string `json:"FormerId,omitzero"`
}

// SealRotateRequest begins a rotation. Key is Root or Data.
type SealRotateRequest struct {
	Key *string `json:"Key,omitzero" kms:"required,len=1:16"`
}

// SealRotateResponse has the version of the new key, and the custodies that have not wrapped a new root key yet.
type SealRotateResponse struct {
	Version *int64   `json:"Version,omitzero"`
	Lagging []string `json:"Lagging,omitzero"`
}
