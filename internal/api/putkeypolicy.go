package api

// PutKeyPolicyRequest asks to replace the policy of a key. The response is [Empty].
type PutKeyPolicyRequest struct {
	BypassPolicyLockoutSafetyCheck *bool   `json:"BypassPolicyLockoutSafetyCheck,omitzero"`
	KeyId                          *string `json:"KeyId,omitzero" kms:"required,len=1:2048"`
	Policy                         *string `json:"Policy,omitzero" kms:"required,len=1:131072,pattern=policy"`
	PolicyName                     *string `json:"PolicyName,omitzero" kms:"len=1:128,pattern=policyName"`
}
