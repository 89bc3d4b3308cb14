package api

// ListGrantsRequest asks for a page of the grants on a key. GrantId and GranteePrincipal select some of them.
type ListGrantsRequest struct {
	GrantId                 *string `json:"GrantId,omitzero" kms:"len=1:128"`
	GranteePrincipal        *string `json:"GranteePrincipal,omitzero" kms:"len=1:256,pattern=principal"`
	GranteeServicePrincipal *string `json:"GranteeServicePrincipal,omitzero" kms:"len=1:256,pattern=principal"`
	KeyId                   *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Limit                   *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker                  *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
}

// ListGrantsResponse has a page of grants. NextMarker is present if Truncated is true.
type ListGrantsResponse struct {
	Grants     []GrantListEntry `json:"Grants"`
	NextMarker *string          `json:"NextMarker,omitzero"`
	Truncated  bool             `json:"Truncated"`
}

// A GrantListEntry is a grant in a list. KeyId is the ARN of the key, and IssuingAccount the ARN of an
// account's root.
type GrantListEntry struct {
	Constraints              *GrantConstraints `json:"Constraints,omitzero"`
	CreationDate             *Timestamp        `json:"CreationDate,omitzero"`
	GrantId                  *string           `json:"GrantId,omitzero"`
	GranteePrincipal         *string           `json:"GranteePrincipal,omitzero"`
	GranteeServicePrincipal  *string           `json:"GranteeServicePrincipal,omitzero"`
	IssuingAccount           *string           `json:"IssuingAccount,omitzero"`
	KeyId                    *string           `json:"KeyId,omitzero"`
	Name                     *string           `json:"Name,omitzero"`
	Operations               []string          `json:"Operations,omitzero" kms:"enum=GrantOperation"`
	RetiringPrincipal        *string           `json:"RetiringPrincipal,omitzero"`
	RetiringServicePrincipal *string           `json:"RetiringServicePrincipal,omitzero"`
}
