package naive

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/policy"
)

// The condition keys of "AWS global condition context keys", "IAM and AWS STS condition context keys" and
// "Condition keys for AWS KMS" (KMS Developer Guide). A name follows those that end in "/" or ":".
const keys = `
aws:CalledVia aws:CalledViaFirst aws:CalledViaLast aws:ViaAWSService
aws:CurrentTime aws:EpochTime aws:TokenIssueTime
aws:MultiFactorAuthPresent aws:MultiFactorAuthAge
aws:PrincipalArn aws:PrincipalAccount aws:PrincipalType aws:PrincipalTag/
aws:PrincipalOrgID aws:PrincipalOrgPaths
aws:PrincipalIsAWSService aws:PrincipalServiceName aws:PrincipalServiceNamesList
aws:AssumedRoot aws:FederatedProvider aws:SourceIdentity aws:userid aws:username
aws:Referer aws:RequestedRegion aws:SecureTransport aws:UserAgent
aws:RequestTag/ aws:ResourceTag/ aws:TagKeys
aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths
aws:SourceAccount aws:SourceArn aws:SourceOrgID aws:SourceOrgPaths
aws:SourceIp aws:SourceVpc aws:SourceVpcArn aws:SourceVpce aws:VpcSourceIp
aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths

sts:ExternalId sts:RoleSessionName sts:SourceIdentity sts:TransitiveTagKeys sts:DurationSeconds

kms:BypassPolicyLockoutSafetyCheck kms:CallerAccount
kms:CustomerMasterKeySpec kms:CustomerMasterKeyUsage
kms:DataKeyPairSpec kms:EncryptionAlgorithm kms:EncryptionContext: kms:EncryptionContextKeys
kms:ExpirationModel kms:GrantConstraintType kms:GrantConstraintSourceArn
kms:GranteePrincipal kms:GranteeServicePrincipal kms:GrantIsForAWSResource kms:GrantOperations
kms:KeyAgreementAlgorithm kms:KeyOrigin kms:KeySpec kms:KeyUsage
kms:MacAlgorithm kms:MessageType kms:MultiRegion kms:MultiRegionKeyType
kms:PrimaryRegion kms:ReEncryptOnSameKey kms:ReplicaRegion
kms:RecipientAttestation: kms:RequestAlias kms:ResourceAliases
kms:RetiringPrincipal kms:RetiringServicePrincipal kms:RotationPeriodInDays
kms:ScheduleKeyDeletionPendingWindowInDays kms:SigningAlgorithm kms:ValidTo kms:ViaService
kms:WrappingAlgorithm kms:WrappingKeySpec
`

// multivalued lists the keys that can have several values in one request.
const multivalued = `
aws:CalledVia aws:PrincipalOrgPaths aws:PrincipalServiceNamesList aws:ResourceOrgPaths
aws:SourceOrgPaths aws:TagKeys aws:VpceOrgPaths
sts:TransitiveTagKeys
kms:EncryptionContextKeys kms:GrantOperations kms:ResourceAliases
`

// isKnown reports whether name is a condition key: "Context key names are not case-sensitive" ("IAM JSON policy
// elements: Condition"). The keys of OpenID Connect providers begin with the provider's host.
func isKnown(name string, r policy.Request) bool {
	name = strings.ToLower(name)
	for _, k := range strings.Fields(strings.ToLower(keys)) {
		front := strings.TrimRight(k, "/:")
		if name == k && k == front || k != front && strings.HasPrefix(name, k) && name != k {
			return true
		}
	}
	prefix, _, _ := strings.Cut(name, ":")
	return strings.Contains(prefix, ".") && len(valuesOf(name, r)) > 0
}

func isMultivalued(name string) bool {
	return slices.ContainsFunc(strings.Fields(multivalued), func(k string) bool { return strings.EqualFold(k, name) })
}

// valuesOf returns the values of a condition key in the request, or none if the key is absent.
func valuesOf(name string, r policy.Request) []string {
	name = strings.ToLower(name)
	switch name {
	case "aws:currenttime":
		return []string{r.Time.UTC().Format(time.RFC3339)}
	case "aws:epochtime":
		return []string{strconv.FormatInt(r.Time.Unix(), 10)}
	case "aws:principalarn":
		return unlessEmpty(principalARN(r.Principal))
	case "aws:principalaccount", "kms:calleraccount":
		return unlessEmpty(r.Principal.Account)
	case "aws:principaltype":
		return unlessEmpty(principalType(r.Principal))
	}
	if r.Values == nil {
		return nil
	}
	return r.Values.Values(name)
}

func unlessEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// principalARN: "For IAM roles, the request context returns the ARN of the role". Unsigned requests have no
// principal ARN ("AWS global condition context keys").
func principalARN(p policy.Principal) string {
	switch p.Kind {
	case policy.AssumedRole:
		return p.RoleARN
	case policy.WebIdentity:
		return ""
	}
	return p.ARN
}

// principalType follows the table in "IAM policy elements: Variables and tags". The type Anonymous is only for
// requests to three other services.
func principalType(p policy.Principal) string {
	if p.Kind == policy.WebIdentity {
		return ""
	}
	return string(p.Kind)
}
