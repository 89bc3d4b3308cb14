package sts

// GetCallerIdentityRequest asks for the identity of the caller.
type GetCallerIdentityRequest struct{}

// GetCallerIdentityResponse has the identity of the caller.
type GetCallerIdentityResponse struct {
	UserId  *string `json:"UserId,omitzero"`
	Account *string `json:"Account,omitzero"`
	Arn     *string `json:"Arn,omitzero"`
}
