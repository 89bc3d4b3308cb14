package api

// CreateGrantRequest asks for a grant on a key. The operation checks that at most one principal or service
// principal is given as grantee and as retiring principal, that there is a grantee, and that the grant
// operations apply to the key.
type CreateGrantRequest struct {
	Constraints              *GrantConstraints `json:"Constraints,omitzero"`
	DryRun                   *bool             `json:"DryRun,omitzero"`
	GrantTokens              []string          `json:"GrantTokens,omitzero" kms:"sensitive,count=0:10,len=1:8192"`
	GranteePrincipal         *string           `json:"GranteePrincipal,omitzero" kms:"len=1:256,pattern=principal"`
	GranteeServicePrincipal  *string           `json:"GranteeServicePrincipal,omitzero" kms:"len=1:256,pattern=principal"`
	KeyId                    *string           `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Name                     *string           `json:"Name,omitzero" kms:"len=1:256,pattern=grantName"`
	Operations               []string          `json:"Operations,omitzero" kms:"required,enum=GrantOperation"`
	RetiringPrincipal        *string           `json:"RetiringPrincipal,omitzero" kms:"len=1:256,pattern=principal"`
	RetiringServicePrincipal *string           `json:"RetiringServicePrincipal,omitzero" kms:"len=1:256,pattern=principal"`
}

// CreateGrantResponse has the ID and the token of the grant. A grant token is not secret, but logs do not need
// it.
type CreateGrantResponse struct {
	GrantId    *string `json:"GrantId,omitzero"`
	GrantToken *string `json:"GrantToken,omitzero" kms:"sensitive"`
}

// GrantConstraints restrict a grant to some requests.
type GrantConstraints struct {
	EncryptionContextEquals map[string]string `json:"EncryptionContextEquals,omitzero"`
	EncryptionContextSubset map[string]string `json:"EncryptionContextSubset,omitzero"`
	SourceArn               *string           `json:"SourceArn,omitzero" kms:"len=1:2048"`
}
