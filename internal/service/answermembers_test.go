package service_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/kmstest"
)

// members lists the members of each answer, in each situation in which the API reference requires
// others: operation, request, members. An optional member that does not apply is absent; "=[]" is
// a member with an empty list. KeyMetadata.* are the members that all keys have. A KeyId is the
// ARN of the key or its bare ID. The requests are sent in this order.
const members = `
CreateKey           {}                                      KeyMetadata KeyMetadata.* KeyMetadata.CurrentKeyMaterialId KeyMetadata.EncryptionAlgorithms
CreateKey           {"Origin":"EXTERNAL"}                   KeyMetadata KeyMetadata.* KeyMetadata.EncryptionAlgorithms
CreateKey           {"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY","Origin":"EXTERNAL"}             KeyMetadata KeyMetadata.* KeyMetadata.SigningAlgorithms
CreateKey           {"KeySpec":"RSA_2048","KeyUsage":"ENCRYPT_DECRYPT","Origin":"EXTERNAL"}         KeyMetadata KeyMetadata.* KeyMetadata.EncryptionAlgorithms
CreateKey           {"KeySpec":"ECC_NIST_P256","KeyUsage":"KEY_AGREEMENT"}                          KeyMetadata KeyMetadata.* KeyMetadata.KeyAgreementAlgorithms
CreateKey           {"KeySpec":"HMAC_256","KeyUsage":"GENERATE_VERIFY_MAC"}                         KeyMetadata KeyMetadata.* KeyMetadata.MacAlgorithms
CreateKey           {"KeySpec":"ML_KEM_512","KeyUsage":"ENCAPSULATE_DECAPSULATE"}                   KeyMetadata KeyMetadata.* KeyMetadata.EncapsulationAlgorithms
CreateKey           {"MultiRegion":true}                    KeyMetadata KeyMetadata.* KeyMetadata.CurrentKeyMaterialId KeyMetadata.EncryptionAlgorithms KeyMetadata.MultiRegionConfiguration KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType KeyMetadata.MultiRegionConfiguration.PrimaryKey KeyMetadata.MultiRegionConfiguration.PrimaryKey.Arn KeyMetadata.MultiRegionConfiguration.PrimaryKey.Region KeyMetadata.MultiRegionConfiguration.ReplicaKeys=[]
DescribeKey         {"KeyId":"IMPORTED"}                    KeyMetadata KeyMetadata.* KeyMetadata.CurrentKeyMaterialId KeyMetadata.EncryptionAlgorithms KeyMetadata.ExpirationModel
DescribeKey         {"KeyId":"EXPIRING"}                    KeyMetadata KeyMetadata.* KeyMetadata.CurrentKeyMaterialId KeyMetadata.EncryptionAlgorithms KeyMetadata.ExpirationModel KeyMetadata.ValidTo
GetKeyLastUsage     {"KeyId":"ROTATED"}                       KeyCreationDate KeyId:id KeyLastUsage TrackingStartDate

Encrypt             {"KeyId":"KEY","Plaintext":"eA=="}      CiphertextBlob EncryptionAlgorithm KeyId:arn
Encrypt             {"KeyId":"RSA","Plaintext":"eA==","EncryptionAlgorithm":"RSAES_OAEP_SHA_256"}   CiphertextBlob EncryptionAlgorithm KeyId:arn
Decrypt             {"CiphertextBlob":"BLOB"}               EncryptionAlgorithm KeyId:arn KeyMaterialId Plaintext
Decrypt             {"CiphertextBlob":"RSA-BLOB","KeyId":"RSA","EncryptionAlgorithm":"RSAES_OAEP_SHA_256"}  EncryptionAlgorithm KeyId:arn Plaintext
ReEncrypt           {"CiphertextBlob":"BLOB","DestinationKeyId":"KEY"}                              CiphertextBlob DestinationEncryptionAlgorithm DestinationKeyMaterialId KeyId:arn SourceEncryptionAlgorithm SourceKeyId:arn SourceKeyMaterialId
ReEncrypt           {"CiphertextBlob":"BLOB","DestinationKeyId":"RSA","DestinationEncryptionAlgorithm":"RSAES_OAEP_SHA_256"}  CiphertextBlob DestinationEncryptionAlgorithm KeyId:arn SourceEncryptionAlgorithm SourceKeyId:arn SourceKeyMaterialId
GenerateDataKey     {"KeyId":"KEY","KeySpec":"AES_256"}     CiphertextBlob KeyId:arn KeyMaterialId Plaintext
GenerateDataKeyWithoutPlaintext      {"KeyId":"KEY","KeySpec":"AES_256"}                            CiphertextBlob KeyId:arn KeyMaterialId
GenerateDataKeyPair                  {"KeyId":"KEY","KeyPairSpec":"ECC_NIST_P256"}                  KeyId:arn KeyMaterialId KeyPairSpec PrivateKeyCiphertextBlob PrivateKeyPlaintext PublicKey
GenerateDataKeyPairWithoutPlaintext  {"KeyId":"KEY","KeyPairSpec":"ECC_NIST_P256"}                  KeyId:arn KeyMaterialId KeyPairSpec PrivateKeyCiphertextBlob PublicKey
GenerateRandom      {"NumberOfBytes":1}                     Plaintext
Sign                {"KeyId":"SIGNING","Message":"eA==","SigningAlgorithm":"ECDSA_SHA_256"}         KeyId:arn Signature SigningAlgorithm
Verify              {"KeyId":"SIGNING","Message":"eA==","SigningAlgorithm":"ECDSA_SHA_256","Signature":"SIGNATURE"}  KeyId:arn SignatureValid SigningAlgorithm
GenerateMac         {"KeyId":"HMAC","Message":"eA==","MacAlgorithm":"HMAC_SHA_256"}                 KeyId:arn Mac MacAlgorithm
VerifyMac           {"KeyId":"HMAC","Message":"eA==","MacAlgorithm":"HMAC_SHA_256","Mac":"MAC"}     KeyId:arn MacAlgorithm MacValid
DeriveSharedSecret  {"KeyId":"AGREEMENT","KeyAgreementAlgorithm":"ECDH","PublicKey":"PUBLIC"}       KeyAgreementAlgorithm KeyId:arn KeyOrigin SharedSecret
Encapsulate         {"KeyId":"KEM","EncapsulationAlgorithm":"ML_KEM"}                               EncapsulationAlgorithm KeyId:arn SharedSecret SharedSecretCiphertextBlob
Decapsulate         {"KeyId":"KEM","EncapsulationAlgorithm":"ML_KEM","SharedSecretCiphertextBlob":"CAPSULE"}  EncapsulationAlgorithm KeyId:arn SharedSecret
GetPublicKey        {"KeyId":"SIGNING"}                     CustomerMasterKeySpec KeyId:arn KeySpec KeyUsage PublicKey SigningAlgorithms
GetPublicKey        {"KeyId":"RSA"}                         CustomerMasterKeySpec EncryptionAlgorithms KeyId:arn KeySpec KeyUsage PublicKey
GetPublicKey        {"KeyId":"AGREEMENT"}                   CustomerMasterKeySpec KeyAgreementAlgorithms KeyId:arn KeySpec KeyUsage PublicKey
GetPublicKey        {"KeyId":"KEM"}                         CustomerMasterKeySpec EncapsulationAlgorithms KeyId:arn KeySpec KeyUsage PublicKey
GetKeyLastUsage     {"KeyId":"KEY"}                         KeyCreationDate KeyId:id KeyLastUsage KeyLastUsage.CloudTrailEventId KeyLastUsage.KmsRequestId KeyLastUsage.Operation KeyLastUsage.Timestamp TrackingStartDate

GetParametersForImport     {"KeyId":"IMPORTED","WrappingAlgorithm":"RSAES_OAEP_SHA_256","WrappingKeySpec":"RSA_2048"}  ImportToken KeyId:arn ParametersValidTo PublicKey
ImportKeyMaterial          SENDING                          KeyId:arn KeyMaterialId
ListKeyRotations           {"KeyId":"IMPORTED"}             Rotations=[] Truncated
ListKeyRotations           {"KeyId":"IMPORTED","IncludeKeyMaterial":"ALL_KEY_MATERIAL"}             Rotations Rotations.ExpirationModel Rotations.ImportState Rotations.KeyId:id Rotations.KeyMaterialId Rotations.KeyMaterialState Truncated
ListKeyRotations           {"KeyId":"EXPIRING","IncludeKeyMaterial":"ALL_KEY_MATERIAL"}             Rotations Rotations.ExpirationModel Rotations.ImportState Rotations.KeyId:id Rotations.KeyMaterialDescription Rotations.KeyMaterialId Rotations.KeyMaterialState Rotations.ValidTo Truncated
DeleteImportedKeyMaterial  {"KeyId":"IMPORTED"}             KeyId:arn KeyMaterialId
DescribeKey                {"KeyId":"IMPORTED"}             KeyMetadata KeyMetadata.* KeyMetadata.CurrentKeyMaterialId KeyMetadata.EncryptionAlgorithms
ListKeyRotations           {"KeyId":"IMPORTED","IncludeKeyMaterial":"ALL_KEY_MATERIAL"}             Rotations Rotations.ImportState Rotations.KeyId:id Rotations.KeyMaterialId Rotations.KeyMaterialState Truncated
GetKeyRotationStatus       {"KeyId":"KEY"}                  KeyId:arn KeyRotationEnabled
EnableKeyRotation          {"KeyId":"KEY"}
GetKeyRotationStatus       {"KeyId":"KEY"}                  KeyId:arn KeyRotationEnabled NextRotationDate RotationPeriodInDays
DisableKeyRotation         {"KeyId":"KEY"}
ListKeyRotations           {"KeyId":"KEY","IncludeKeyMaterial":"ALL_KEY_MATERIAL"}                  Rotations Rotations.KeyId:id Rotations.KeyMaterialId Rotations.KeyMaterialState Truncated
RotateKeyOnDemand          {"KeyId":"KEY"}                  KeyId:arn
ListKeyRotations           {"KeyId":"KEY"}                  Rotations Rotations.KeyId:id Rotations.KeyMaterialId Rotations.KeyMaterialState Rotations.RotationDate Rotations.RotationType Truncated

ListAliases          {"KeyId":"KEY"}                        Aliases=[] Truncated
CreateAlias          {"AliasName":"alias/a","TargetKeyId":"KEY"}
CreateAlias          {"AliasName":"alias/b","TargetKeyId":"KEY"}
UpdateAlias          {"AliasName":"alias/a","TargetKeyId":"KEY"}
ListAliases          {"KeyId":"KEY","Limit":1}              Aliases Aliases.AliasArn Aliases.AliasName Aliases.CreationDate Aliases.LastUpdatedDate Aliases.TargetKeyId:id NextMarker Truncated
DeleteAlias          {"AliasName":"alias/a"}
ListResourceTags     {"KeyId":"KEY"}                        Tags=[] Truncated
TagResource          {"KeyId":"KEY","Tags":[{"TagKey":"a","TagValue":""}]}
ListResourceTags     {"KeyId":"KEY"}                        Tags Tags.TagKey Tags.TagValue Truncated
UntagResource        {"KeyId":"KEY","TagKeys":["a"]}
GetKeyPolicy         {"KeyId":"KEY"}                        Policy PolicyName
PutKeyPolicy         {"KeyId":"KEY","Policy":"POLICY"}
ListKeyPolicies      {"KeyId":"KEY"}                        PolicyNames Truncated
UpdateKeyDescription {"KeyId":"KEY","Description":""}
ListKeys             {}                                     Keys Keys.KeyArn Keys.KeyId:id Truncated
ListKeys             {"Limit":1}                            Keys Keys.KeyArn Keys.KeyId:id NextMarker Truncated
DescribeCustomKeyStores  {}                                 CustomKeyStores=[] Truncated

ListGrants           {"KeyId":"KEY"}                        Grants=[] Truncated
ListRetirableGrants  {"RetiringPrincipal":"ROOT"}           Grants=[] Truncated
CreateGrant          {"KeyId":"KEY","GranteePrincipal":"ROOT","Operations":["Decrypt"],"Constraints":{"EncryptionContextEquals":{},"EncryptionContextSubset":{}}}  GrantId GrantToken
ListGrants           {"KeyId":"KEY"}                        Grants Grants.CreationDate Grants.GrantId Grants.GranteePrincipal Grants.IssuingAccount Grants.KeyId:arn Grants.Operations Truncated
CreateGrant          {"KeyId":"RSA","GranteePrincipal":"ROOT","RetiringPrincipal":"ROOT","Operations":["Decrypt"],"Name":"n","Constraints":{"SourceArn":"arn:aws:s3:::b"}}  GrantId GrantToken
ListRetirableGrants  {"RetiringPrincipal":"ROOT"}           Grants Grants.Constraints Grants.Constraints.SourceArn Grants.CreationDate Grants.GrantId Grants.GranteePrincipal Grants.IssuingAccount Grants.KeyId:arn Grants.Name Grants.Operations Grants.RetiringPrincipal Truncated
RevokeGrant          {"KeyId":"OTHER","GrantId":"GRANT"}
RetireGrant          {"GrantToken":"TOKEN"}

ReplicateKey         {"KeyId":"PRIMARY","ReplicaRegion":"ap-south-1"}                               ReplicaKeyMetadata ReplicaKeyMetadata.* ReplicaKeyMetadata.CurrentKeyMaterialId ReplicaKeyMetadata.EncryptionAlgorithms ReplicaKeyMetadata.MultiRegionConfiguration ReplicaKeyMetadata.MultiRegionConfiguration.MultiRegionKeyType ReplicaKeyMetadata.MultiRegionConfiguration.PrimaryKey ReplicaKeyMetadata.MultiRegionConfiguration.PrimaryKey.Arn ReplicaKeyMetadata.MultiRegionConfiguration.PrimaryKey.Region ReplicaKeyMetadata.MultiRegionConfiguration.ReplicaKeys ReplicaKeyMetadata.MultiRegionConfiguration.ReplicaKeys.Arn ReplicaKeyMetadata.MultiRegionConfiguration.ReplicaKeys.Region ReplicaPolicy
ReplicateKey         {"KeyId":"PRIMARY","ReplicaRegion":"eu-west-2","Tags":[{"TagKey":"a","TagValue":""}]}  ReplicaKeyMetadata ReplicaKeyMetadata.* ReplicaKeyMetadata.CurrentKeyMaterialId ReplicaKeyMetadata.EncryptionAlgorithms ReplicaKeyMetadata.MultiRegionConfiguration ReplicaKeyMetadata.MultiRegionConfiguration.MultiRegionKeyType ReplicaKeyMetadata.MultiRegionConfiguration.PrimaryKey ReplicaKeyMetadata.MultiRegionConfiguration.PrimaryKey.Arn ReplicaKeyMetadata.MultiRegionConfiguration.PrimaryKey.Region ReplicaKeyMetadata.MultiRegionConfiguration.ReplicaKeys ReplicaKeyMetadata.MultiRegionConfiguration.ReplicaKeys.Arn ReplicaKeyMetadata.MultiRegionConfiguration.ReplicaKeys.Region ReplicaPolicy ReplicaTags ReplicaTags.TagKey ReplicaTags.TagValue
ScheduleKeyDeletion  {"KeyId":"PRIMARY"}                    KeyId:arn KeyState PendingWindowInDays
DescribeKey          {"KeyId":"PRIMARY"}                    KeyMetadata KeyMetadata.* KeyMetadata.CurrentKeyMaterialId KeyMetadata.EncryptionAlgorithms KeyMetadata.MultiRegionConfiguration KeyMetadata.MultiRegionConfiguration.MultiRegionKeyType KeyMetadata.MultiRegionConfiguration.PrimaryKey KeyMetadata.MultiRegionConfiguration.PrimaryKey.Arn KeyMetadata.MultiRegionConfiguration.PrimaryKey.Region KeyMetadata.MultiRegionConfiguration.ReplicaKeys KeyMetadata.MultiRegionConfiguration.ReplicaKeys.Arn KeyMetadata.MultiRegionConfiguration.ReplicaKeys.Region KeyMetadata.PendingDeletionWindowInDays
CancelKeyDeletion    {"KeyId":"PRIMARY"}                    KeyId:arn
EnableKey            {"KeyId":"PRIMARY"}
UpdatePrimaryRegion  {"KeyId":"PRIMARY","PrimaryRegion":"ap-south-1"}
DisableKey           {"KeyId":"KEY"}
ScheduleKeyDeletion  {"KeyId":"KEY"}                        DeletionDate KeyId:arn KeyState PendingWindowInDays
DescribeKey          {"KeyId":"KEY"}                        KeyMetadata KeyMetadata.* KeyMetadata.CurrentKeyMaterialId KeyMetadata.DeletionDate KeyMetadata.EncryptionAlgorithms
`

// These members of KeyMetadata are present for every key (API reference, KeyMetadata).
const keyMetadata = "AWSAccountId Arn CreationDate CustomerMasterKeySpec Description Enabled KeyId:id KeyManager KeySpec KeyState KeyUsage MultiRegion Origin"

// flatten returns the sorted names of the members of an object. A nested object adds the names
// of its members under its own name, and a list of objects adds each name once.
func flatten(value any, under string, names map[string]bool) {
	object, _ := value.(map[string]any)
	for name, v := range object {
		name = under + name
		switch v := v.(type) {
		case []any:
			if len(v) == 0 {
				names[name+"=[]"] = true
				continue
			}
			names[name] = true
			for _, element := range v {
				flatten(element, name+".", names)
			}
		case map[string]any:
			names[name] = true
			flatten(v, name+".", names)
		case string:
			if strings.HasSuffix(name, "KeyId") {
				name += map[bool]string{true: ":arn", false: ":id"}[strings.HasPrefix(v, "arn:")]
			}
			names[name] = true
		default:
			names[name] = true
		}
	}
}

// memberNames returns a function that replaces the words in the table of members.
func memberNames(t *testing.T, s *kmstest.Server) func(string) string {
	t.Helper()
	base := newNames(t, s)
	id := func(word string) *string { return new(strings.Trim(base.Replace(`"`+word+`"`), `"`)) }
	more := []string{}
	text := func(word, value string) { more = append(more, word, value) }
	blob := func(word string, value []byte) { text(word, `"`+base64.StdEncoding.EncodeToString(value)+`"`) }

	kem := must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: "ML_KEM_512", KeyUsage: "ENCAPSULATE_DECAPSULATE"})).KeyMetadata.KeyId
	text(`"KEM"`, `"`+*kem+`"`)
	blob(`"CAPSULE"`, must[*kms.EncapsulateOutput](t)(s.Client.Encapsulate(t.Context(), &kms.EncapsulateInput{KeyId: kem, EncapsulationAlgorithm: "ML_KEM"})).SharedSecretCiphertextBlob)
	blob(`"SIGNATURE"`, must[*kms.SignOutput](t)(s.Client.Sign(t.Context(), &kms.SignInput{KeyId: id("SIGNING"), Message: []byte("x"), SigningAlgorithm: "ECDSA_SHA_256"})).Signature)
	blob(`"MAC"`, must[*kms.GenerateMacOutput](t)(s.Client.GenerateMac(t.Context(), &kms.GenerateMacInput{KeyId: id("HMAC"), Message: []byte("x"), MacAlgorithm: "HMAC_SHA_256"})).Mac)
	blob(`"PUBLIC"`, must[*kms.GetPublicKeyOutput](t)(s.Client.GetPublicKey(t.Context(), &kms.GetPublicKeyInput{KeyId: id("AGREEMENT")})).PublicKey)
	blob(`"RSA-BLOB"`, must[*kms.EncryptOutput](t)(s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: id("RSA"), Plaintext: []byte("p"), EncryptionAlgorithm: "RSAES_OAEP_SHA_256"})).CiphertextBlob)

	expiring := createExternal(t, s)
	must[string](t)(importAs(t, s, expiring, newMaterial(), func(in *kms.ImportKeyMaterialInput) {
		in.ExpirationModel, in.ValidTo, in.KeyMaterialDescription = "", after(s, day), aws.String("d")
	}))
	text(`"EXPIRING"`, `"`+*expiring+`"`)
	in := oaep256(t, s, id("EMPTY")).request(t, newMaterial())
	text("SENDING", string(must[[]byte](t)(json.Marshal(map[string]any{
		"KeyId": in.KeyId, "ImportToken": in.ImportToken, "EncryptedKeyMaterial": in.EncryptedKeyMaterial, "ExpirationModel": in.ExpirationModel,
	}))))
	one, two := createGrant(t, s, id("OTHER"), nil), createGrant(t, s, id("OTHER"), nil)
	text("GRANT", *one.GrantId)
	text("TOKEN", *two.GrantToken)
	text(`"POLICY"`, string(must[[]byte](t)(json.Marshal(defaultPolicy(t, s, id("KEY"))))))
	all := strings.NewReplacer(more...)
	return func(line string) string { return base.Replace(all.Replace(line)) }
}

// Every answer has the members that apply to it and no others.
func TestMembersOfAnswers(t *testing.T) {
	s := kmstest.Start(t)
	replace := memberNames(t, s)
	missing := map[string]bool{}
	for _, name := range servedOperations(t) {
		missing[name] = true
	}
	for line := range strings.Lines(members) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		operation, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		end := strings.LastIndexByte(rest, '}') + 1
		if end == 0 {
			end = strings.IndexByte(rest, ' ')
		}
		t.Run(operation, func(t *testing.T) {
			answer := post(t, s, kmstest.Region, operation, []byte(replace(rest[:end])))
			var body map[string]any
			if err := json.NewDecoder(answer.Body).Decode(&body); answer.StatusCode != http.StatusOK || err != nil && answer.ContentLength != 0 {
				t.Fatal(answer.Status, body, err)
			}
			if got, want := membersOf(body), strings.TrimSpace(rest[end:]); got != want {
				t.Errorf("%s\n%s\nwant\n%s", rest[:end], got, want)
			}
		})
		delete(missing, operation)
	}
	for name := range missing {
		t.Errorf("no answer of %s is in the table", name)
	}
}

// membersOf returns the flattened names of the members of an answer, with those that
// the metadata of every key have as a star.
func membersOf(body map[string]any) string {
	names := map[string]bool{}
	flatten(body, "", names)
	for _, under := range []string{"KeyMetadata.", "ReplicaKeyMetadata."} {
		all := strings.Fields(under + strings.ReplaceAll(keyMetadata, " ", " "+under))
		if slices.ContainsFunc(all, func(name string) bool { return !names[name] }) {
			continue
		}
		for _, name := range all {
			delete(names, name)
		}
		names[under+"*"] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(names)), " ")
}

// servedOperations returns the operations of the API that docs/api.md lists.
func servedOperations(t *testing.T) (names []string) {
	t.Helper()
	for line := range strings.Lines(string(must[[]byte](t)(os.ReadFile("../../docs/api.md")))) {
		if name, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " |"); ok && api.Known(name) {
			names = append(names, name)
		}
	}
	return names
}
