package api

// GetKeyPolicyRequest asks for the policy of a key.
type GetKeyPolicyRequest struct {
	KeyId      *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	PolicyName *string `json:"PolicyName,omitzero" kms:"len=1:128,pattern=policyName"`
}

// GetKeyPolicyResponse has the policy exactly as it was stored.
type GetKeyPolicyResponse struct {
	Policy     *string `json:"Policy,omitzero"`
	PolicyName *string `json:"PolicyName,omitzero"`
}
