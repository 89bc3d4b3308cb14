package api

// ListKeySummaries is not part of the KMS API: it describes many keys in one request.

// ListKeySummariesRequest asks for a page of summaries of the account's keys in the Region, for the keys that the
// caller may describe. A summary fits all members that are present. OrderBy defaults to KEY_ID; EXPIRY begins with the
// material that expires first, and leaves out keys without material that expires. ExpiresBefore needs EXPIRY.
// AliasContains is a part of the name of an alias, without "alias/". TagValue needs TagKey.
type ListKeySummariesRequest struct {
	AliasContains *string    `json:"AliasContains,omitzero" kms:"len=1:256"`
	ExpiresBefore *Timestamp `json:"ExpiresBefore,omitzero"`
	KeySpec       *string    `json:"KeySpec,omitzero" kms:"enum=KeySpec"`
	KeyState      *string    `json:"KeyState,omitzero" kms:"enum=KeyState"`
	Limit         *int32     `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker        *string    `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
	OrderBy       *string    `json:"OrderBy,omitzero" kms:"len=1:16"`
	Origin        *string    `json:"Origin,omitzero" kms:"enum=OriginType"`
	TagKey        *string    `json:"TagKey,omitzero" kms:"len=1:128"`
	TagValue      *string    `json:"TagValue,omitzero" kms:"len=0:256"`
}

// These are the values of OrderBy.
const (
	OrderByKeyID  = "KEY_ID"
	OrderByExpiry = "EXPIRY"
)

// ListKeySummariesResponse has a page of summaries. A page with fewer summaries than the limit, or with none, can have
// a NextMarker: the server examines a limited number of keys for each request. NotShown is the number of examined keys
// that the caller may not describe, whatever the request selects. It is missing if the caller may not list keys, and
// with EXPIRY.
type ListKeySummariesResponse struct {
	Keys       []KeySummary `json:"Keys"`
	NextMarker *string      `json:"NextMarker,omitzero"`
	NotShown   *int32       `json:"NotShown,omitzero"`
	Truncated  bool         `json:"Truncated"`
}

// A KeySummary describes a key. Aliases, Tags and Materials are missing if the caller may not list them. Materials are
// the materials of a symmetric encryption key of origin EXTERNAL, as in ListKeyRotations with ALL_KEY_MATERIAL. ValidTo
// is the earliest expiry of material of the key, pending material included.
type KeySummary struct {
	Aliases     []string             `json:"Aliases,omitzero"`
	KeyMetadata *KeyMetadata         `json:"KeyMetadata,omitzero"`
	Materials   []RotationsListEntry `json:"Materials,omitzero"`
	Tags        []Tag                `json:"Tags,omitzero"`
	ValidTo     *Timestamp           `json:"ValidTo,omitzero"`
}
