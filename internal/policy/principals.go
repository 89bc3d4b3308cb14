package policy

import (
	"slices"

	"github.com/keyhold/keyhold/internal/key"
)

// principals are the principals that a statement names. Services and canonical users are left out, because they
// do not send requests to Keyhold.
type principals struct {
	everyone  bool     // named by *
	accounts  []string // by 12-digit ID or root ARN, sorted
	arns      []string // users, roles and sessions, sorted
	federated []string // identity providers, sorted
}

// reach returns the reach of a permission of these principals for p. byARN means that the statement has a
// condition on aws:PrincipalArn.
func (n *principals) reach(p *Principal, byARN bool) reach {
	switch {
	case p.Kind == WebIdentity:
		if n.everyone || has(n.federated, p.ARN) {
			return direct
		}
		return none
	case has(n.arns, p.ARN):
		return p.reachByARN()
	case n.everyone && byARN:
		// "AWS JSON policy elements: Principal", "IAM role principals":
		// "Identity-based policy types, such as permissions boundaries or session
		// policies, do not limit permissions granted using the aws:PrincipalArn
		// condition key with a wildcard(*) in the Principal element"
		return direct
	case n.everyone || p.Kind == AssumedRole && has(n.arns, p.RoleARN):
		return limited
	case has(n.accounts, p.Account):
		return p.reachByAccount()
	}
	return none
}

// excepts reports whether the principals of a NotPrincipal element include p: a user by its ARN, a session by its own
// ARN or the ARN of its role, and in each case the account too. Source: "AWS JSON policy elements: NotPrincipal": "You
// must also specify the account ARN of the not-denied principal. Otherwise, the policy might deny access to the entire
// account". In Keyhold, it does. The account alone stands only for its root: the first example on that page names the
// account, and nevertheless denies all of its users except one.
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

// reachByARN returns the reach of a permission for the principal's own ARN.
func (p *Principal) reachByARN() reach {
	if p.Kind == User {
		return toUser
	}
	return direct
}

// reachByAccount returns the reach of a permission for the principal's account. Source: "Key policies in AWS KMS",
// "Allows access to the AWS account and enables IAM policies".
func (p *Principal) reachByAccount() reach {
	if p.Kind == Account {
		return direct
	}
	return delegated
}

// reachOf returns the reach of a grant for p. grantee is the grant's principal.
func (p *Principal) reachOf(grantee key.Principal) reach {
	switch arn := string(grantee); {
	case arn == "" || p.Kind == WebIdentity:
		return none
	case arn == p.ARN:
		return p.reachByARN()
	case p.Kind == AssumedRole && arn == p.RoleARN:
		return limited
	case isRootOf(arn, p.Account):
		return p.reachByAccount()
	}
	return none
}

const rootPrefix, rootSuffix = "arn:aws:iam::", ":root"

// isRootOf reports whether arn is the ARN of the root of the account.
func isRootOf(arn, account string) bool {
	return len(arn) == len(rootPrefix)+len(account)+len(rootSuffix) &&
		arn[:len(rootPrefix)] == rootPrefix && arn[len(rootPrefix):len(arn)-len(rootSuffix)] == account &&
		arn[len(arn)-len(rootSuffix):] == rootSuffix
}

func has(sorted []string, s string) bool {
	_, found := slices.BinarySearch(sorted, s)
	return found
}
