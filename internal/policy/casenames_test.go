package policy_test

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/keyhold/keyhold/internal/policy"
)

var accountForm = regexp.MustCompile(`^([0-9]{12}):(.*)$`)

// account splits the account off a name in the table. Names without an account belong to the test's own
// account.
func account(name string) (account, rest string) {
	if m := accountForm.FindStringSubmatch(name); m != nil {
		return m[1], m[2]
	}
	return ours, name
}

// principal parses a principal: root, user/<name>, role/<name>/<session>, or oidc/<host>, optionally after
// another account.
func principal(name string) (policy.Principal, error) {
	account, rest := account(name)
	kind, path, _ := strings.Cut(rest, "/")
	iam := "arn:aws:iam::" + account + ":"
	switch cut := strings.LastIndex(rest, "/"); {
	case rest == "root":
		return policy.Principal{Kind: policy.Account, Account: account, ARN: iam + "root"}, nil
	case kind == "user" && path != "":
		return policy.Principal{Kind: policy.User, Account: account, ARN: iam + rest}, nil
	case kind == "oidc" && path != "":
		return policy.Principal{Kind: policy.WebIdentity, ARN: iam + "oidc-provider/" + path}, nil
	case kind == "role" && strings.Contains(path, "/"):
		role, session := rest[:cut], rest[cut+1:]
		return policy.Principal{
			Kind: policy.AssumedRole, Account: account, RoleARN: iam + role,
			ARN: "arn:aws:sts::" + account + ":assumed-role/" + role[strings.LastIndex(role, "/")+1:] + "/" + session,
		}, nil
	}
	return policy.Principal{}, fmt.Errorf("not a principal: %s", name)
}

// arn parses a resource: an ARN, *, "key" for the key of most examples, key/<id>, alias/<name>, or role/, user/
// and policy/<name>, optionally after another account.
func arn(name string) string {
	if name == "*" || strings.HasPrefix(name, "arn:") {
		return name
	}
	account, rest := account(name)
	switch kind, _, _ := strings.Cut(rest, "/"); {
	case rest == "key":
		return "arn:aws:kms:" + region + ":" + account + ":key/" + keyID
	case kind == "key" || kind == "alias":
		return "arn:aws:kms:" + region + ":" + account + ":" + rest
	}
	return "arn:aws:iam::" + account + ":" + rest
}

// owner returns the account that owns a resource, or the account of the principal if the ARN has none.
func owner(arn string, who policy.Principal) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 && parts[4] != "" {
		return parts[4]
	}
	return who.Account
}
