package identity

import (
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// The longest names, in characters. Source: "IAM and AWS STS quotas".
const (
	maxUserName   = 64 // and that of roles and sessions
	maxPolicyName = 128
	maxPath       = 512
)

// ValidName reports whether users, roles and sessions can have the name.
func ValidName(name string) bool { return len(name) <= maxUserName && isName(name) }

// ValidPolicyName reports whether policies can have the name.
func ValidPolicyName(name string) bool { return len(name) <= maxPolicyName && isName(name) }

// isName reports whether a name is [\w+=,.@-]+, as the IAM API has it.
func isName(name string) bool {
	for i := range len(name) {
		if c := rune(name[i]); notWord(c) && !strings.ContainsRune("+=,.@-", c) {
			return false
		}
	}
	return name != ""
}

// ValidPath reports whether users, roles and policies can have the path: "/", or
// printable ASCII in pieces between slashes.
func ValidPath(path string) bool {
	if len(path) > maxPath || path == "" || path[0] != '/' || path[len(path)-1] != '/' {
		return false
	}
	for i := 1; i < len(path); i++ {
		if c := path[i]; c < '!' || c > '~' || c == '/' && path[i-1] == '/' {
			return false
		}
	}
	return true
}

// ParseARN returns what the ARN of a user, role or managed policy names: its kind,
// "user", "role" or "policy", and the path and name under it. Whether there is one
// is not its matter.
func ParseARN(text string) (account, kind, path, name string, ok bool) {
	rest, ok := strings.CutPrefix(text, "arn:aws:iam::")
	account, rest, _ = strings.Cut(rest, ":")
	kind, rest, _ = strings.Cut(rest, "/")
	if !ok || !key.ValidAccount(account) || (kind != "user" && kind != "role" && kind != "policy") {
		return "", "", "", "", false
	}
	path, name = "/", rest
	if slash := strings.LastIndexByte(rest, '/'); slash >= 0 {
		path, name = "/"+rest[:slash+1], rest[slash+1:]
	}
	return account, kind, path, name, ValidPath(path) && ValidPolicyName(name)
}
