package service

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// conditionsOfUsers are conditions with a value that the request of alice has, a value that it
// does not have, and the additional members of the request.
const conditionsOfUsers = `
CreateKey              Bool                      kms:BypassPolicyLockoutSafetyCheck true                     false         {"BypassPolicyLockoutSafetyCheck":true}
CreateKey              Bool                      kms:BypassPolicyLockoutSafetyCheck false                    true
PutKeyPolicy           Bool                      kms:BypassPolicyLockoutSafetyCheck true                     false
PutKeyPolicy           Bool                      kms:BypassPolicyLockoutSafetyCheck false                    true          {"BypassPolicyLockoutSafetyCheck":false}
Encrypt                StringEquals              kms:CallerAccount                  111122223333             444455556666
CreateKey              StringEquals              kms:CustomerMasterKeySpec          RSA_2048                 RSA_4096      {"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY"}
Encrypt                StringEquals              kms:CustomerMasterKeySpec          SYMMETRIC_DEFAULT        RSA_2048
CreateKey              StringEquals              kms:CustomerMasterKeyUsage         ENCRYPT_DECRYPT          SIGN_VERIFY
Encrypt                StringEquals              kms:CustomerMasterKeyUsage         ENCRYPT_DECRYPT          SIGN_VERIFY
CreateKey              StringEquals              kms:KeySpec                        HMAC_256                 HMAC_512      {"KeySpec":"HMAC_256","KeyUsage":"GENERATE_VERIFY_MAC"}
CreateKey              StringEquals              kms:KeySpec                        SYMMETRIC_DEFAULT        RSA_2048
ScheduleKeyDeletion    StringEquals              kms:KeySpec                        SYMMETRIC_DEFAULT        RSA_2048
CreateKey              StringEquals              kms:KeyUsage                       SIGN_VERIFY              ENCRYPT_DECRYPT {"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY"}
DescribeKey            StringEquals              kms:KeyUsage                       ENCRYPT_DECRYPT          SIGN_VERIFY
CreateKey              StringEquals              kms:KeyOrigin                      EXTERNAL                 AWS_KMS       {"Origin":"EXTERNAL"}
CreateKey              StringEquals              kms:KeyOrigin                      AWS_KMS                  EXTERNAL
Encrypt                StringEquals              kms:KeyOrigin                      AWS_KMS                  EXTERNAL
CreateKey              Bool                      kms:MultiRegion                    true                     false         {"MultiRegion":true}
CreateKey              Bool                      kms:MultiRegion                    false                    true
Encrypt                Bool                      kms:MultiRegion                    true                     false         {"KeyId":"MULTI"}
Encrypt                Bool                      kms:MultiRegion                    false                    true
CreateKey              StringEquals              kms:MultiRegionKeyType             PRIMARY                  REPLICA       {"MultiRegion":true}
Encrypt                StringEquals              kms:MultiRegionKeyType             PRIMARY                  REPLICA       {"KeyId":"MULTI"}
GenerateDataKeyPair    StringEquals              kms:DataKeyPairSpec                ECC_NIST_P256            RSA_2048
GenerateDataKeyPairWithoutPlaintext StringEquals kms:DataKeyPairSpec                ECC_NIST_P256            RSA_2048
Encrypt                StringEquals              kms:EncryptionAlgorithm            SYMMETRIC_DEFAULT        RSAES_OAEP_SHA_1
Encrypt                StringEquals              kms:EncryptionAlgorithm            RSAES_OAEP_SHA_256       SYMMETRIC_DEFAULT {"EncryptionAlgorithm":"RSAES_OAEP_SHA_256"}
Decrypt                StringEquals              kms:EncryptionAlgorithm            SYMMETRIC_DEFAULT        RSAES_OAEP_SHA_1 {"KeyId":"KEY"}
ReEncryptFrom          StringEquals              kms:EncryptionAlgorithm            RSAES_OAEP_SHA_1         SYMMETRIC_DEFAULT {"SourceKeyId":"KEY","SourceEncryptionAlgorithm":"RSAES_OAEP_SHA_1"}
ReEncryptTo            StringEquals              kms:EncryptionAlgorithm            RSAES_OAEP_SHA_1         SYMMETRIC_DEFAULT {"SourceKeyId":"KEY","DestinationEncryptionAlgorithm":"RSAES_OAEP_SHA_1"}
GenerateDataKey        StringEquals              kms:EncryptionAlgorithm            SYMMETRIC_DEFAULT        RSAES_OAEP_SHA_1
Encrypt                StringEquals              kms:EncryptionContext:team         red                      RED           {"EncryptionContext":{"Team":"red"}}
Decrypt                StringLike                kms:EncryptionContext:Team         r*                       b*            {"KeyId":"KEY","EncryptionContext":{"team":"red"}}
GenerateDataKeyPair    StringEquals              kms:EncryptionContext:team         red                      blue          {"EncryptionContext":{"team":"red"}}
ReEncryptFrom          StringEquals              kms:EncryptionContext:team         red                      blue          {"SourceKeyId":"KEY","SourceEncryptionContext":{"team":"red"},"DestinationEncryptionContext":{"team":"blue"}}
ReEncryptTo            StringEquals              kms:EncryptionContext:team         blue                     red           {"SourceKeyId":"KEY","SourceEncryptionContext":{"team":"red"},"DestinationEncryptionContext":{"team":"blue"}}
CreateGrant            StringEquals              kms:EncryptionContext:team         red                      blue          {"Constraints":{"EncryptionContextSubset":{"team":"red"}}}
CreateGrant            StringEquals              kms:EncryptionContext:team         red                      blue          {"Constraints":{"EncryptionContextEquals":{"team":"red"}}}
Encrypt                ForAnyValue:StringEquals  kms:EncryptionContextKeys          stage                    Stage         {"EncryptionContext":{"team":"red","stage":"prod"}}
CreateGrant            ForAnyValue:StringEquals  kms:EncryptionContextKeys          team                     stage         {"Constraints":{"EncryptionContextSubset":{"team":"red"}}}
Encrypt                ForAllValues:StringEquals kms:EncryptionContextKeys          team,stage               team          {"EncryptionContext":{"team":"red","stage":"prod"}}
Sign                   StringEquals              kms:SigningAlgorithm               ECDSA_SHA_256            ECDSA_SHA_384
Verify                 StringEquals              kms:SigningAlgorithm               ECDSA_SHA_256            ECDSA_SHA_384
Sign                   StringEquals              kms:MessageType                    DIGEST                   RAW           {"MessageType":"DIGEST"}
Verify                 StringEquals              kms:MessageType                    RAW                      DIGEST
GenerateMac            StringEquals              kms:MacAlgorithm                   HMAC_SHA_256             HMAC_SHA_512
VerifyMac              StringEquals              kms:MacAlgorithm                   HMAC_SHA_256             HMAC_SHA_512
DeriveSharedSecret     StringEquals              kms:KeyAgreementAlgorithm          ECDH                     DH
ImportKeyMaterial      StringEquals              kms:ExpirationModel                KEY_MATERIAL_DOES_NOT_EXPIRE KEY_MATERIAL_EXPIRES
ImportKeyMaterial      StringEquals              kms:ExpirationModel                KEY_MATERIAL_EXPIRES     KEY_MATERIAL_DOES_NOT_EXPIRE {"ExpirationModel":"KEY_MATERIAL_EXPIRES","ValidTo":SOON}
ImportKeyMaterial      DateLessThan              kms:ValidTo                        2100-01-01T00:00:00Z     2001-01-01T00:00:00Z {"ExpirationModel":"KEY_MATERIAL_EXPIRES","ValidTo":SOON}
GetParametersForImport StringEquals              kms:WrappingAlgorithm              RSAES_OAEP_SHA_256       RSAES_OAEP_SHA_1
GetParametersForImport StringEquals              kms:WrappingKeySpec                RSA_2048                 RSA_4096
CreateGrant            StringEquals              kms:GrantConstraintType            EncryptionContextEquals  EncryptionContextSubset {"Constraints":{"EncryptionContextEquals":{"a":"1"}}}
CreateGrant            StringEquals              kms:GrantConstraintType            EncryptionContextSubset  EncryptionContextEquals {"Constraints":{"EncryptionContextSubset":{"a":"1"}}}
CreateGrant            ArnLike                   kms:GrantConstraintSourceArn       arn:aws:s3:::b*          arn:aws:s3:::c* {"Constraints":{"SourceArn":"arn:aws:s3:::bucket"}}
CreateGrant            StringEquals              kms:GranteePrincipal               HOME:root                HOME:user/x
CreateGrant            StringEquals              kms:GranteeServicePrincipal        backup.amazonaws.com     s3.amazonaws.com {"GranteePrincipal":null,"GranteeServicePrincipal":"backup.amazonaws.com","RetiringPrincipal":"HOME:root","Constraints":{"SourceArn":"arn:aws:s3:::bucket"}}
CreateGrant            StringEquals              kms:RetiringPrincipal              HOME:root                HOME:user/x   {"RetiringPrincipal":"HOME:root"}
CreateGrant            StringEquals              kms:RetiringServicePrincipal       backup.amazonaws.com     s3.amazonaws.com {"RetiringServicePrincipal":"backup.amazonaws.com"}
CreateGrant            Bool                      kms:GrantIsForAWSResource          false                    true
ListGrants             Bool                      kms:GrantIsForAWSResource          false                    true
CreateGrant            ForAllValues:StringEquals kms:GrantOperations                Encrypt,Decrypt          Encrypt
CreateGrant            ForAnyValue:StringEquals  kms:GrantOperations                Decrypt                  Encrypt
UpdatePrimaryRegion    StringEquals              kms:PrimaryRegion                  eu-west-1                eu-west-3
ReplicateKey           StringEquals              kms:ReplicaRegion                  eu-west-1                eu-west-3
ReEncryptFrom          Bool                      kms:ReEncryptOnSameKey             true                     false         {"SourceKeyId":"KEY"}
ReEncryptTo            Bool                      kms:ReEncryptOnSameKey             true                     false         {"SourceKeyId":"KEY","DestinationKeyId":"alias/named"}
ReEncryptFrom          Bool                      kms:ReEncryptOnSameKey             false                    true          {"SourceKeyId":"MULTI"}
ReEncryptTo            Bool                      kms:ReEncryptOnSameKey             false                    true          {"SourceKeyId":"MULTI"}
Encrypt                StringEquals              kms:RequestAlias                   alias/named              alias/other   {"KeyId":"alias/named"}
DescribeKey            StringEquals              kms:RequestAlias                   alias/named              alias/other   {"KeyId":"alias/named"}
GetPublicKey           StringEquals              kms:RequestAlias                   alias/named              alias/other   {"KeyId":"alias/named"}
Encrypt                ForAnyValue:StringEquals  kms:ResourceAliases                alias/named              alias/other
DisableKey             ForAnyValue:StringLike    kms:ResourceAliases                alias/n*                 alias/x*
EnableKeyRotation      NumericLessThanEquals     kms:RotationPeriodInDays           365                      364
EnableKeyRotation      NumericLessThanEquals     kms:RotationPeriodInDays           90                       89            {"RotationPeriodInDays":90}
ScheduleKeyDeletion    NumericGreaterThanEquals  kms:ScheduleKeyDeletionPendingWindowInDays 30                31
ScheduleKeyDeletion    NumericGreaterThanEquals  kms:ScheduleKeyDeletionPendingWindowInDays 7                 8            {"PendingWindowInDays":7}
TagResource            StringEquals              aws:RequestTag/K                   v                        V
CreateKey              StringEquals              aws:RequestTag/k                   v                        w             {"Tags":[{"TagKey":"K","TagValue":"v"}]}
TagResource            ForAllValues:StringEquals aws:TagKeys                        k                        l
UntagResource          ForAllValues:StringEquals aws:TagKeys                        k                        l
Encrypt                StringEquals              aws:ResourceTag/Team               red                      blue
Encrypt                StringEquals              aws:PrincipalTag/Team              red                      blue
Encrypt                StringEquals              aws:PrincipalAccount               111122223333             444455556666
Encrypt                ArnLike                   aws:PrincipalArn                   HOME:user/al*            HOME:user/b*
Encrypt                StringEquals              aws:PrincipalType                  User                     AssumedRole
Encrypt                Bool                      aws:PrincipalIsAWSService          false                    true
Encrypt                Bool                      aws:ViaAWSService                  false                    true
Encrypt                StringEquals              aws:RequestedRegion                eu-west-2                eu-west-1
Encrypt                StringEquals              aws:ResourceAccount                111122223333             444455556666
Encrypt                Bool                      aws:SecureTransport                true                     false
Encrypt                IpAddress                 aws:SourceIp                       192.0.2.0/24             198.51.100.0/24
Encrypt                StringLike                aws:UserAgent                      test/*                   other/*
Encrypt                StringEquals              aws:userid                         AIDAalice                AIDAother
Encrypt                StringEquals              aws:username                       alice                    bob
Encrypt                DateGreaterThan           aws:CurrentTime                    2001-01-01T00:00:00Z     2100-01-01T00:00:00Z
Encrypt                NumericGreaterThan        aws:EpochTime                      978307200                4102444800
Encrypt                Null                      aws:TokenIssueTime                 true                     false
Encrypt                Null                      kms:ViaService                     true                     false
Encrypt                Null                      kms:EncryptionContext:a            true                     false
Encrypt                Null                      kms:RequestAlias                   true                     false
UpdateAlias            Null                      kms:RequestAlias                   true                     false
ListGrants             Null                      kms:GranteePrincipal               true                     false         {"GranteePrincipal":"HOME:root"}
`

// conditionsOfSessions are such conditions for a session of a role.
const conditionsOfSessions = `
Encrypt                DateGreaterThan           aws:TokenIssueTime                 2001-01-01T00:00:00Z     2100-01-01T00:00:00Z
Encrypt                StringEquals              aws:SourceIdentity                 alice                    bob
Encrypt                StringEquals              aws:FederatedProvider              HOME:oidc-provider/i.example HOME:oidc-provider/j.example
Encrypt                StringLike                aws:userid                         AROAapp:build-*          AROAapp:other-*
Encrypt                ArnLike                   aws:PrincipalArn                   HOME:role/app            HOME:role/b*
Encrypt                StringEquals              aws:PrincipalType                  AssumedRole              User
Encrypt                StringEquals              aws:PrincipalTag/team              red                      blue
Encrypt                Bool                      aws:MultiFactorAuthPresent         false                    true
Encrypt                Null                      aws:username                       true                     false
`

// valueless are the condition keys that never have a value, because they describe features that
// this server does not have.
const valueless = `
aws:AssumedRoot aws:CalledVia aws:CalledViaAWSMCP aws:CalledViaFirst aws:CalledViaLast aws:ChatbotSourceArn aws:Ec2InstanceSourcePrivateIPv4
aws:Ec2InstanceSourceVpc aws:IsMcpServiceAction aws:MultiFactorAuthAge aws:PrincipalOrgID aws:PrincipalOrgPaths
aws:PrincipalServiceName aws:PrincipalServiceNamesList aws:Referer aws:ResourceOrgID aws:ResourceOrgPaths aws:SignInSessionArn aws:SourceAccount
aws:SourceArn aws:SourceOrgID aws:SourceOrgPaths aws:SourceVpc aws:SourceVpcArn aws:SourceVpce aws:ViaAWSMCPService aws:VpcSourceIp
aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths kms:RecipientAttestation:
codebuild:BuildArn codebuild:ProjectArn ec2:RoleDelivery ec2:SourceInstanceArn glue:CredentialIssuingService glue:RoleAssumedBy identitystore:UserId
lambda:SourceFunctionArn ssm:SourceInstanceArn
`

// Each condition key allows and denies if it has the value, and does neither if it has another
// value.
func TestConditionKeys(t *testing.T) {
	c := newAccessTest(t)
	fill := strings.NewReplacer("HOME", "arn:aws:iam::"+homeAccount, "SOON", fmt.Sprint(c.clock.Now().Unix()+86400),
		`"KEY"`, `"`+c.keyLike(`{"Tags":[{"TagKey":"team","TagValue":"red"}]}`)+`"`, `"MULTI"`, `"`+c.keyLike(`{"MultiRegion":true}`)+`"`)
	on := strings.Trim(fill.Replace(`"KEY"`), `"`)
	c.root().does("CreateAlias", on, `{"AliasName":"alias/named"}`)
	c.root().does("CreateAlias", on, `{"AliasName":"alias/old"}`)
	for table, declare := range map[string]func(policy ...string) actor{
		conditionsOfUsers: func(policy ...string) actor {
			c.user("alice", tag("team", "red"), with(c.identity(policy...)))
			return c.as("alice")
		},
		conditionsOfSessions: func(policy ...string) actor {
			c.role("app", tag("team", "red"), with(c.identity(policy...)))
			return c.session("app", func(s *identity.Session) {
				s.SourceIdentity = "alice"
				s.Web = &identity.WebIdentity{Provider: "arn:aws:iam::111122223333:oidc-provider/i.example", Issuer: "i.example", Audience: "a", Subject: "s"}
			})
		},
	} {
		for line := range strings.Lines(strings.TrimSpace(table)) {
			f := strings.Fields(fill.Replace(line))
			t.Run(strings.Join(f[:4], " "), func(t *testing.T) {
				operation := f[0]
				if strings.HasPrefix(operation, "ReEncrypt") {
					operation = "ReEncrypt"
				}
				condition := func(effect, value string) string {
					return fmt.Sprintf("%s kms:%s if %s %s %s", effect, f[0], f[1], f[2], value)
				}
				rest := "allow " + without("kms:"+f[0], "kms:CreateKey", "kms:TagResource", "kms:ReEncryptFrom", "kms:ReEncryptTo")
				a := func(policy ...string) actor { a := declare(policy...); a.people.T = t; return a }
				a(rest, condition("allow", f[3])).may(operation, on, f[5:]...)
				a(rest, condition("allow", f[4])).mayNot(operation, on, f[5:]...)
				a("allow kms:*", condition("deny", f[3])).mayNot(operation, on, f[5:]...)
				a("allow kms:*", condition("deny", f[4])).may(operation, on, f[5:]...)
			})
		}
	}
}

// Expensive values are looked up once for a question, and again for the next question.
func TestValuesAreFoundOnce(t *testing.T) {
	c := newAccessTest(t)
	on := c.keyLike(`{"Tags":[{"TagKey":"team","TagValue":"red"}]}`)
	c.root().does("CreateAlias", on, `{"AliasName":"alias/one"}`)
	op, in := c.request("Encrypt", on, inContext(`{"a":"1","b":"2"}`))
	call := &call{Service: c.Service, ctx: t.Context(), Request: Request{Operation: op, Input: in, Caller: identity.Caller{Principal: identity.Root(homeAccount), Region: "eu-west-2"}}}
	ref, err := key.ParseReference(on, homeAccount, "eu-west-2")
	if err != nil {
		t.Fatal(err)
	}
	k, _ := call.latest(ref)
	if _, err := call.question("kms:Encrypt", target{ref: ref}, k); err != nil {
		t.Fatal(err)
	}
	names := []string{"kms:resourcealiases", "kms:encryptioncontextkeys", "kms:encryptioncontext:a", "aws:resourcetag/team"}
	first := map[string][]string{}
	for _, name := range names {
		first[name] = call.values.Values(name)
	}
	c.root().does("CreateAlias", on, `{"AliasName":"alias/two"}`)
	for _, name := range names {
		if again := call.values.Values(name); len(again) == 0 || len(again) != len(first[name]) || &again[0] != &first[name][0] {
			t.Errorf("%s is looked for again: %q, and then %q", name, first[name], again)
		}
	}
	if _, err := call.question("kms:Encrypt", target{ref: ref}, k); err != nil || len(call.values.Values("kms:resourcealiases")) != 2 {
		t.Errorf("the next question knows %q, %v", call.values.Values("kms:resourcealiases"), err)
	}
}

// without joins all words except one.
func without(word string, words ...string) string {
	var rest []string
	for _, w := range words {
		if w != word {
			rest = append(rest, w)
		}
	}
	return strings.Join(rest, ",")
}

// Each known condition key has a line in a table or is in valueless.
func TestConditionKeysAreComplete(t *testing.T) {
	for _, k := range policy.KnownKeys() {
		tested, without := hasKey(testedKeys(), k.Name), hasKey(strings.Fields(valueless), k.Name)
		if !strings.HasPrefix(k.Name, "sts:") && tested == without {
			t.Errorf("%s: tested %v, without a value %v", k.Name, tested, without)
		}
	}
}

// A name does not count for another name that it begins with.
func TestConditionKeysAreWholeWords(t *testing.T) {
	for _, test := range []struct {
		words, name string
		want        bool
	}{
		{"kms:MultiRegion", "kms:MultiRegion", true},
		{"kms:multiregion", "kms:MultiRegion", true},
		{"kms:MultiRegionKeyType", "kms:MultiRegion", false},
		{"kms:MultiRegion", "kms:MultiRegionKeyType", false},
		{"aws:ResourceTag/team", "aws:ResourceTag/", true},
		{"kms:EncryptionContextKeys", "kms:EncryptionContext:", false},
		{"kms:EncryptionContext:a", "kms:EncryptionContext:", true},
	} {
		if got := hasKey(strings.Fields(test.words), test.name); got != test.want {
			t.Errorf("%s for %s: %v", test.words, test.name, got)
		}
	}
}

// testedKeys returns the condition keys of the lines of the tables.
func testedKeys() (names []string) {
	for line := range strings.Lines(strings.TrimSpace(conditionsOfUsers) + "\n" + strings.TrimSpace(conditionsOfSessions)) {
		names = append(names, strings.Fields(line)[2])
	}
	return names
}

// hasKey reports whether words contain the name of a condition key. If the name ends in : or /, the
// rest of the word is the user's choice.
func hasKey(words []string, name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(words, func(word string) bool {
		word = strings.ToLower(word)
		return word == name || strings.ContainsAny(name[len(name)-1:], ":/") && strings.HasPrefix(word, name)
	})
}
