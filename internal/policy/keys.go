package policy

import "strings"

// A ConditionKey is a key whose value a condition can compare.
type ConditionKey struct {
	Name  string // as documented; after ":" or "/" at the end follows a name that the user chooses
	Type  string // type of its values: String, Bool, Numeric, Date, ARN or IPAddress
	Multi bool   // can have several values
}

// conditionKeys lists the known condition keys. Some of them never have a value in Keyhold: they are absent,
// but not unknown. Sources: "Condition keys for AWS KMS" in the developer guide, "AWS global condition context
// keys" and "Available keys for AWS STS" in the IAM user guide.
const conditionKeys = `
aws:AssumedRoot                            Bool
aws:CalledVia                              String multi
aws:CalledViaAWSMCP                        String
aws:CalledViaFirst                         String
aws:CalledViaLast                          String
aws:ChatbotSourceArn                       ARN
aws:CurrentTime                            Date
aws:Ec2InstanceSourcePrivateIPv4           IPAddress
aws:Ec2InstanceSourceVpc                   String
aws:EpochTime                              Date
aws:FederatedProvider                      String
aws:IsMcpServiceAction                     Bool
aws:MultiFactorAuthAge                     Numeric
aws:MultiFactorAuthPresent                 Bool
aws:PrincipalAccount                       String
aws:PrincipalArn                           ARN
aws:PrincipalIsAWSService                  Bool
aws:PrincipalOrgID                         String
aws:PrincipalOrgPaths                      String multi
aws:PrincipalServiceName                   String
aws:PrincipalServiceNamesList              String multi
aws:PrincipalTag/                          String
aws:PrincipalType                          String
aws:Referer                                String
aws:RequestTag/                            String
aws:RequestedRegion                        String
aws:ResourceAccount                        String
aws:ResourceOrgID                          String
aws:ResourceOrgPaths                       String multi
aws:ResourceTag/                           String
aws:SecureTransport                        Bool
aws:SignInSessionArn                       ARN
aws:SourceAccount                          String
aws:SourceArn                              ARN
aws:SourceIdentity                         String
aws:SourceIp                               IPAddress
aws:SourceOrgID                            String
aws:SourceOrgPaths                         String multi
aws:SourceVpc                              String
aws:SourceVpcArn                           ARN
aws:SourceVpce                             String
aws:TagKeys                                String multi
aws:TokenIssueTime                         Date
aws:UserAgent                              String
aws:ViaAWSService                          Bool
aws:ViaAWSMCPService                       Bool
aws:VpcSourceIp                            IPAddress
aws:VpceAccount                            String
aws:VpceOrgID                              String
aws:VpceOrgPaths                           String multi
aws:userid                                 String
aws:username                               String

kms:BypassPolicyLockoutSafetyCheck         Bool
kms:CallerAccount                          String
kms:CustomerMasterKeySpec                  String
kms:CustomerMasterKeyUsage                 String
kms:DataKeyPairSpec                        String
kms:EncryptionAlgorithm                    String
kms:EncryptionContext:                     String
kms:EncryptionContextKeys                  String multi
kms:ExpirationModel                        String
kms:GrantConstraintSourceArn               ARN
kms:GrantConstraintType                    String
kms:GrantIsForAWSResource                  Bool
kms:GrantOperations                        String multi
kms:GranteePrincipal                       String
kms:GranteeServicePrincipal                String
kms:KeyAgreementAlgorithm                  String
kms:KeyOrigin                              String
kms:KeySpec                                String
kms:KeyUsage                               String
kms:MacAlgorithm                           String
kms:MessageType                            String
kms:MultiRegion                            Bool
kms:MultiRegionKeyType                     String
kms:PrimaryRegion                          String
kms:ReEncryptOnSameKey                     Bool
kms:RecipientAttestation:                  String
kms:ReplicaRegion                          String
kms:RequestAlias                           String
kms:ResourceAliases                        String multi
kms:RetiringPrincipal                      String
kms:RetiringServicePrincipal               String
kms:RotationPeriodInDays                   Numeric
kms:ScheduleKeyDeletionPendingWindowInDays Numeric
kms:SigningAlgorithm                       String
kms:ValidTo                                Date
kms:ViaService                             String
kms:WrappingAlgorithm                      String
kms:WrappingKeySpec                        String

sts:AWSServiceName                         String
sts:DurationSeconds                        Numeric
sts:ExternalId                             String
sts:RequestContext/                        String
sts:RequestContextProviders                ARN multi
sts:RoleSessionName                        String
sts:SourceIdentity                         String
sts:TaskPolicyArn                          ARN
sts:TransitiveTagKeys                      String multi

codebuild:BuildArn                         ARN
codebuild:ProjectArn                       ARN
ec2:RoleDelivery                           Numeric
ec2:SourceInstanceArn                      ARN
glue:CredentialIssuingService              String
glue:RoleAssumedBy                         String
identitystore:UserId                       String
lambda:SourceFunctionArn                   ARN
ssm:SourceInstanceArn                      ARN
`

var keysByName = readKeys()

// readKeys returns the table by lower-case name.
func readKeys() map[string]ConditionKey {
	all := map[string]ConditionKey{}
	for line := range strings.Lines(conditionKeys) {
		if f := strings.Fields(line); len(f) > 0 {
			all[strings.ToLower(f[0])] = ConditionKey{Name: f[0], Type: f[1], Multi: len(f) > 2}
		}
	}
	return all
}

// KnownKeys returns the known condition keys, in no particular order.
func KnownKeys() []ConditionKey {
	all := make([]ConditionKey, 0, len(keysByName))
	for _, k := range keysByName {
		all = append(all, k)
	}
	return all
}

// A contextKey is a condition key as a policy names it.
type contextKey struct {
	ConditionKey
	name   string // in lower case; the part that the user chose is folded
	origin origin
}

type origin uint8

const (
	unknown  origin = iota
	listed          // in the table
	provided        // by an identity provider, such as "host.example:aud": known if the request has it
)

// findKey returns the condition key with a name. Case does not matter. Source: "IAM JSON policy elements:
// Condition".
func findKey(name string) contextKey {
	name = strings.ToLower(name)
	if k, ok := keysByName[name]; ok && !strings.HasSuffix(name, ":") && !strings.HasSuffix(name, "/") {
		return contextKey{k, name, listed}
	}
	service, rest, _ := strings.Cut(name, ":")
	if service != "aws" && service != "kms" && service != "sts" {
		return contextKey{name: name, origin: provided}
	}
	for _, end := range []string{":", "/"} {
		if prefix, own, _ := strings.Cut(rest, end); own != "" {
			prefix = service + ":" + prefix + end
			if k, ok := keysByName[prefix]; ok {
				return contextKey{k, prefix + Fold(own), listed}
			}
		}
	}
	return contextKey{name: name}
}
