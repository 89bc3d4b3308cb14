package sts

// GetCallerIdentityRequest asks whose credentials the caller has.
type GetCallerIdentityRequest struct{}

// GetCallerIdentityResponse tells who the caller is.
type GetCallerIdentityResponse struct {
	UserId  *string `json:"UserId,omitzero"`
	Account *string `json:"Account,omitzero"`
	Arn     *string `json:"Arn,omitzero"`
}
