package api

// ListGrantsRequest asks for a page of the grants on a key, or for those of them
// that a member picks out.
type ListGrantsRequest struct {
	GrantId                 *string `json:"GrantId,omitzero" kms:"len=1:128"`
	GranteePrincipal        *string `json:"GranteePrincipal,omitzero" kms:"len=1:256,pattern=principal"`
	GranteeServicePrincipal *string `json:"GranteeServicePrincipal,omitzero" kms:"len=1:256,pattern=principal"`
	KeyId                   *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Limit                   *int32  `json:"Limit,omitzero" kms:"range=1:1000"`
	Marker                  *string `json:"Marker,omitzero" kms:"len=1:1024,pattern=marker"`
}

// ListGrantsResponse is a page; NextMarker is there if Truncated.
type ListGrantsResponse struct {
	Grants     []GrantListEntry `json:"Grants"`
	NextMarker *string          `json:"NextMarker,omitzero"`
	Truncated  bool             `json:"Truncated"`
}

// A GrantListEntry is a grant in a list. KeyId is the ARN of the key, and
// IssuingAccount that of the root of an account.
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
