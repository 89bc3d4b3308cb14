package key

import (
	"regexp"
	"strings"
)

// A Principal is the grantee or retiring principal of a grant: the ARN of an account root, a user, a role or a
// session, or the name of a service such as "backup.amazonaws.com".
type Principal string

// The forms of principal ARNs and service names. Source: "IAM identifiers" in the IAM user guide. Groups and
// wildcards are excluded, because requests cannot come from them.
var (
	principalForm = regexp.MustCompile(`^arn:aws:(?:iam::[0-9]{12}:(?:root|(?:user|role)(?:/[\w+=,.@-]+)+)` +
		`|sts::[0-9]{12}:(?:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+|federated-user/[\w+=,.@-]+))$`)
	serviceForm = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$`)
)

// IsService reports whether the principal is a service.
func (p Principal) IsService() bool { return p != "" && !strings.HasPrefix(string(p), "arn:") }

// Account returns the account that the principal belongs to, or "" for a service.
func (p Principal) Account() string {
	parts := strings.SplitN(string(p), ":", 6)
	if len(parts) < 6 {
		return ""
	}
	return parts[4]
}

// CheckPrincipal returns an Error, with the text of the service, unless s has the form of a principal's ARN. The
// principal need not exist.
func CheckPrincipal(s string) error {
	if !principalForm.MatchString(s) {
		return Errorf(KindInvalidArn, "ARN does not refer to a valid principal: %s", s)
	}
	return nil
}

// CheckService returns an Error unless s has the form of a service name.
func CheckService(s string) error {
	if !serviceForm.MatchString(s) {
		return Errorf(KindValidation, "'%s' is not the name of a service principal.", s)
	}
	return nil
}
