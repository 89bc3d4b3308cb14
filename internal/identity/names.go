package identity

import (
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// The maximum lengths of names, in characters. Source: "IAM and AWS STS quotas".
const (
	maxUserName   = 64 // also for roles and sessions
	maxPolicyName = 128
	maxPath       = 512
)

// ValidName reports whether users, roles and sessions can have the name.
func ValidName(name string) bool { return len(name) <= maxUserName && isName(name) }

// ValidPolicyName reports whether policies can have the name.
func ValidPolicyName(name string) bool { return len(name) <= maxPolicyName && isName(name) }

// isName reports whether a name matches [\w+=,.@-]+, the pattern of the IAM API.
func isName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isWord(c) && strings.IndexByte("+=,.@-", c) < 0 {
			return false
		}
	}
	return name != ""
}

func isWord(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '_'
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

// WellFormedKeyID reports whether a text has the form of the access key IDs that servers make,
// such as AKIAIOSFODNN7EXAMPLE. A secret access key has 40 characters.
func WellFormedKeyID(id string) bool {
	prefix := strings.HasPrefix(id, "AKIA") || strings.HasPrefix(id, "ASIA")
	return prefix && len(id) == 20 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// ParseARN parses the ARN of a user, role or managed policy. kind is "user", "role" or "policy".
// The identity need not exist.
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
