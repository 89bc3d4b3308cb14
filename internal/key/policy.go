package key

// DefaultPolicyName is the only valid name of a key policy.
const DefaultPolicyName = "default"

// MaxPolicySize is the quota of a key policy, in bytes.
const MaxPolicySize = 32 * 1024

// DefaultPolicy returns the policy of a key that is created without one. The policy gives the account full
// access, so the account's own policies can allow access. Source: "Default key policy" in the
// developer guide.
func DefaultPolicy(account string) string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::` + account + `:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
}
