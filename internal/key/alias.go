package key

import (
	"regexp"
	"strings"
	"time"
)

// MaxAliases is the quota of aliases on one key.
const MaxAliases = 50

// reservedAliasPrefix begins the aliases of keys that other services own.
const reservedAliasPrefix = AliasPrefix + "aws/"

var aliasNameForm = regexp.MustCompile(`^alias/[a-zA-Z0-9/_-]+$`)

// An Alias is another name of a key, unique in its account and Region.
type Alias struct {
	Name            string    `json:"name"` // with the prefix "alias/"
	Account         string    `json:"account"`
	Region          string    `json:"region"`
	KeyID           string    `json:"keyId"`
	CreationDate    time.Time `json:"creationDate"`
	LastUpdatedDate time.Time `json:"lastUpdatedDate"`
}

// ARN returns the Amazon Resource Name of the alias.
func (a Alias) ARN() string { return ARN(a.Account, a.Region, a.Name) }

// CheckAliasName returns an Error unless an alias may be created with this name. Request validation checks the
// length and the wider character set, which includes the colon.
func CheckAliasName(name string) error {
	switch {
	case !strings.HasPrefix(name, AliasPrefix):
		return Errorf(KindValidation, `Alias must start with the prefix "alias/". Please see `+
			"https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
	case name == strings.TrimSuffix(reservedAliasPrefix, "/") || strings.HasPrefix(name, reservedAliasPrefix):
		return Errorf(KindInvalidAliasName, "The alias name must not begin with 'alias/aws/': that prefix is reserved.")
	case !aliasNameForm.MatchString(name):
		return Errorf(KindValidation, "%s contains invalid characters for an alias", name)
	}
	return nil
}
