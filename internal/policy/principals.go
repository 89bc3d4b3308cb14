package policy

import (
	"slices"

	"github.com/keyhold/keyhold/internal/key"
)

// principals are those that a statement names. Services and canonical users make
// no requests here.
type principals struct {
	everyone  bool     // *
	accounts  []string // by their 12 digits or their root's ARN, sorted
	arns      []string // of users, roles and sessions, sorted
	federated []string // identity providers, sorted
}

// reach returns how far a permission for the named goes for a principal. byARN
// says that the statement has a condition on aws:PrincipalArn.
func (n *principals) reach(p *Principal, byARN bool) reach {
	switch {
	case p.Kind == WebIdentity:
		if n.everyone || has(n.federated, p.ARN) {
			return direct
		}
		return none
	case has(n.arns, p.ARN):
		return p.whole()
	case n.everyone && byARN:
		// "AWS JSON policy elements: Principal", "IAM role principals":
		// "Identity-based policy types, such as permissions boundaries or session
		// policies, do not limit permissions granted using the aws:PrincipalArn
		// condition key with a wildcard(*) in the Principal element"
		return direct
	case n.everyone || p.Kind == AssumedRole && has(n.arns, p.RoleARN):
		return limited
	case has(n.accounts, p.Account):
		return p.asAccount()
	}
	return none
}

// excepts reports whether the named, of a NotPrincipal, include a principal: a
// user by its ARN, a session by its own or the role's, and each together with the
// account. Source: "AWS JSON policy elements: NotPrincipal": "You must also specify
// the account ARN of the not-denied principal. Otherwise, the policy might deny
// access to the entire account". It might; here it does. The account alone stands
// for its root: in the first example there it is named, and yet all but one of its
// users are denied.
func (n *principals) excepts(p *Principal) bool {
	switch {
	case n.everyone:
		return true
	case p.Kind == WebIdentity:
		return has(n.federated, p.ARN)
	case !has(n.accounts, p.Account):
		return false
	}
	return p.Kind == Account || has(n.arns, p.ARN) || p.Kind == AssumedRole && has(n.arns, p.RoleARN)
}

// whole is the reach of what is for the principal's own ARN.
func (p *Principal) whole() reach {
	if p.Kind == User {
		return toUser
	}
	return direct
}

// asAccount is the reach of what is for the principal's account. Source: "Key
// policies in AWS KMS", "Allows access to the AWS account and enables IAM
// policies".
func (p *Principal) asAccount() reach {
	if p.Kind == Account {
		return direct
	}
	return delegated
}

// reachOf returns how far a permission for one principal's ARN, of a grant, goes
// for another.
func (p *Principal) reachOf(grantee key.Principal) reach {
	switch arn := string(grantee); {
	case arn == "" || p.Kind == WebIdentity:
		return none
	case arn == p.ARN:
		return p.whole()
	case p.Kind == AssumedRole && arn == p.RoleARN:
		return limited
	case isRootOf(arn, p.Account):
		return p.asAccount()
	}
	return none
}

const rootPrefix, rootSuffix = "arn:aws:iam::", ":root"

// isRootOf reports whether an ARN is that of the root of an account.
func isRootOf(arn, account string) bool {
	return len(arn) == len(rootPrefix)+len(account)+len(rootSuffix) &&
		arn[:len(rootPrefix)] == rootPrefix && arn[len(rootPrefix):len(arn)-len(rootSuffix)] == account && arn[len(arn)-len(rootSuffix):] == rootSuffix
}

func has(sorted []string, s string) bool {
	_, found := slices.BinarySearch(sorted, s)
	return found
}
