package service

import "github.com/keyhold/keyhold/internal/key"

// checkPolicyName refuses all names but the one that key policies have.
func checkPolicyName(name *string) error {
	if or(name, key.DefaultPolicyName) != key.DefaultPolicyName {
		return key.Errorf(key.KindNotFound, "No such policy exists")
	}
	return nil
}

// checkPolicy tells whether a key of the account can be given the policy here.
func (c *call) checkPolicy(document, account string, bypassLockout *bool) error {
	if document == key.DefaultPolicy(account) {
		return nil
	}
	if err := key.CheckPolicy(document, account, or(bypassLockout, false)); err != nil {
		return err
	}
	if !c.storePolicies && !key.MeansDefaultPolicy(document, account) {
		return key.Errorf(key.KindUnsupportedOperation, "Key policies other than the default one are not supported yet.")
	}
	return nil
}

// warnOfPolicy says in the log that a key was given a policy which nothing
// enforces yet: decide does not look at it.
func (c *call) warnOfPolicy(k key.Key) {
	if !key.MeansDefaultPolicy(k.Policy, k.Account) {
		c.log.Warn("a key policy was stored that is not enforced yet", "key", k.ARN())
	}
}
