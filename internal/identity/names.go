package identity

import (
	"regexp"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// The forms of "IAM and AWS STS quotas" and of the IAM API.
var (
	nameForm = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathForm = regexp.MustCompile(`^/([!-.0-~]+/)*$`) // printable ASCII in pieces; no empty one
)

// The longest names, in characters.
const (
	maxUserName   = 64 // and that of roles and sessions
	maxPolicyName = 128
	maxPath       = 512
)

// ValidName reports whether users, roles and sessions can have the name.
func ValidName(name string) bool { return len(name) <= maxUserName && nameForm.MatchString(name) }

// ValidPolicyName reports whether policies can have the name.
func ValidPolicyName(name string) bool {
	return len(name) <= maxPolicyName && nameForm.MatchString(name)
}

// ValidPath reports whether users, roles and policies can have the path.
func ValidPath(path string) bool { return len(path) <= maxPath && pathForm.MatchString(path) }

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
