package service_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/kmstest"
)

// post sends a request of an operation, signed for a Region.
func post(t *testing.T, s *kmstest.Server, region, operation string, body []byte) *http.Response {
	t.Helper()
	r := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint+"/", bytes.NewReader(body)))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService."+operation)
	credentials := aws.Credentials{AccessKeyID: kmstest.AccessKeyID, SecretAccessKey: kmstest.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, fmt.Sprintf("%x", sha256.Sum256(body)), "kms", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	answer := must[*http.Response](t)(http.DefaultClient.Do(r))
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// Answers that the service has been observed to give, or that its documentation quotes:
// operation, request, error, message. A word in capitals stands for a key or a value of newNames.
// The requests are sent in this order.
const answers = `
# Usages and specs of keys. Source: recorded.
Decrypt             {"CiphertextBlob":"BLOB","KeyId":"SIGNING"}       IncorrectKeyException  The key ID in the request does not identify a CMK that can perform this operation.
Decrypt             {"CiphertextBlob":"BLOB","KeyId":"HMAC"}          IncorrectKeyException  The key ID in the request does not identify a CMK that can perform this operation.
Decrypt             {"CiphertextBlob":"BLOB","KeyId":"RSA"}           IncorrectKeyException  The key ID in the request does not identify a CMK that can perform this operation.
Decrypt             {"CiphertextBlob":"BLOB","KeyId":"OTHER"}         IncorrectKeyException  The key ID in the request does not identify a CMK that can perform this operation.
ReEncrypt           {"CiphertextBlob":"BLOB","SourceKeyId":"SIGNING","DestinationKeyId":"KEY"}  IncorrectKeyException  The key ID in the request does not identify a CMK that can perform this operation.
ReEncrypt           {"CiphertextBlob":"BLOB","SourceKeyId":"OTHER","DestinationKeyId":"KEY"}    IncorrectKeyException  The key ID in the request does not identify a CMK that can perform this operation.
RotateKeyOnDemand   {"KeyId":"SIGNING"}                               UnsupportedOperationException
RotateKeyOnDemand   {"KeyId":"HMAC"}                                  UnsupportedOperationException
EnableKeyRotation   {"KeyId":"SIGNING"}                               UnsupportedOperationException
GetKeyRotationStatus  {"KeyId":"SIGNING"}
DeriveSharedSecret  {"KeyId":"AGREEMENT","KeyAgreementAlgorithm":"ECDH","PublicKey":"eA=="}     ValidationException

# Tags. Sources: recorded; "Tagging AWS resources" in the AWS General Reference.
CreateKey           {"Tags":TAGS51}                                   TagException  Too many tags
TagResource         {"KeyId":"KEY","Tags":TAGS51}                     TagException  Too many tags
ReplicateKey        {"KeyId":"PRIMARY","ReplicaRegion":"ap-south-1","Tags":TAGS51}              TagException  Too many tags
CreateKey           {"Tags":[{"TagKey":"team","TagValue":"My & My Team"}]}                      TagException  Invalid tag
TagResource         {"KeyId":"KEY","Tags":[{"TagKey":"a&b","TagValue":""}]}                     TagException  Invalid tag
TagResource         {"KeyId":"KEY","Tags":[{"TagKey":"aws:x","TagValue":""}]}                   TagException  Tags beginning with aws: are reserved
TagResource         {"KeyId":"KEY","Tags":[{"TagKey":"Team 1","TagValue":"ä _.:/=+-@"}]}

# Grants. Sources: recorded; the acceptance tests of Terraform's aws_kms_grant.
CreateGrant         {"KeyId":"KEY","GranteePrincipal":"ROOT","Operations":["Decrypt"],"Constraints":{"EncryptionContextEquals":{"a":"1"},"EncryptionContextSubset":{"b":"2"}}}  ValidationException  More than one constraint supplied
CreateGrant         {"KeyId":"KEY","GranteePrincipal":"ROOT","Operations":["Decrypt"],"Constraints":{"EncryptionContextEquals":{"a":"1"},"EncryptionContextSubset":{}}}
CreateGrant         {"KeyId":"KEY","GranteePrincipal":"ROOT","Operations":["Decrypt"],"Constraints":{"EncryptionContextEquals":{},"EncryptionContextSubset":{}}}

CreateGrant         {"KeyId":"KEY","GranteePrincipal":"app","Operations":["Decrypt"]}           InvalidArnException  ARN does not refer to a valid principal: app

# Keys of other accounts. Source: recorded.
Encrypt             {"KeyId":"arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab","Plaintext":"eA=="}  AccessDeniedException  User: ROOT is not authorized to perform: kms:Encrypt on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access

# Messages. Sources: recorded.
Sign                {"KeyId":"SIGNING","Message":"eA==","MessageType":"DIGEST","SigningAlgorithm":"ECDSA_SHA_256"}  ValidationException  Digest is invalid length for algorithm ECDSA_SHA_256.

# Aliases. Source: recorded.
CreateAlias         {"AliasName":"payroll","TargetKeyId":"KEY"}       ValidationException  Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
UpdateAlias         {"AliasName":"payroll","TargetKeyId":"KEY"}       ValidationException  Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
DeleteAlias         {"AliasName":"payroll"}                           ValidationException  Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html
CreateAlias         {"AliasName":"alias/a:b","TargetKeyId":"KEY"}     ValidationException  alias/a:b contains invalid characters for an alias

# Random bytes. Source: recorded.
GenerateRandom      {}                                                ValidationException  NumberOfBytes is required.

# Import and rotation. Sources: recorded; "Requirements for imported key material".
ImportKeyMaterial   {"KeyId":"EMPTY","ImportToken":"eA==","EncryptedKeyMaterial":"eA=="}     ValidationException  A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES
GetParametersForImport  {"KeyId":"ARN-KEY","WrappingAlgorithm":"RSAES_OAEP_SHA_256","WrappingKeySpec":"RSA_2048"}  UnsupportedOperationException  ARN-KEY origin is AWS_KMS which is not valid for this operation.
GetParametersForImport  {"KeyId":"EMPTY","WrappingAlgorithm":"RSA_AES_KEY_WRAP_SHA_256","WrappingKeySpec":"RSA_3072"}  ValidationException  Wrapping algorithm RSA_AES_KEY_WRAP_SHA_256 and wrapping key spec RSA_3072 cannot be used to import a SYMMETRIC_DEFAULT key.
EnableKeyRotation   {"KeyId":"IMPORTED"}                              UnsupportedOperationException  ARN-IMPORTED origin is EXTERNAL which is not valid for this operation.
RotateKeyOnDemand   {"KeyId":"IMPORTED"}                              KMSInvalidStateException  No available key material pending rotation for the key: ARN-IMPORTED.
RotateKeyOnDemand   {"KeyId":"ROTATED"}                               LimitExceededException    The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: ARN-ROTATED
Encrypt             {"KeyId":"EMPTY","Plaintext":"eA=="}           KMSInvalidStateException  ARN-EMPTY is pending import.
Encrypt             {"KeyId":"x","Plaintext":"eA=="}                  NotFoundException         Invalid keyId 'x'

# Multi-Region keys. Source: recorded.
ReplicateKey        {"KeyId":"KEY","ReplicaRegion":"ap-south-1"}      UnsupportedOperationException  ARN-KEY is not a multi-region primary key.
UpdatePrimaryRegion {"KeyId":"KEY","PrimaryRegion":"ap-south-1"}      UnsupportedOperationException  ARN-KEY is not a multi-region primary key.
`

// newNames makes the values of the words in the table of answers.
func newNames(t *testing.T, s *kmstest.Server) *strings.Replacer {
	t.Helper()
	create := func(in kms.CreateKeyInput) *types.KeyMetadata {
		return must[*kms.CreateKeyOutput](t)(s.Client.CreateKey(t.Context(), &in)).KeyMetadata
	}
	keys := map[string]*types.KeyMetadata{
		"KEY": create(kms.CreateKeyInput{}), "OTHER": create(kms.CreateKeyInput{}), "ROTATED": create(kms.CreateKeyInput{}),
		"SIGNING":   create(kms.CreateKeyInput{KeySpec: "ECC_NIST_P256", KeyUsage: "SIGN_VERIFY"}),
		"AGREEMENT": create(kms.CreateKeyInput{KeySpec: "ECC_NIST_P256", KeyUsage: "KEY_AGREEMENT"}),
		"HMAC":      create(kms.CreateKeyInput{KeySpec: "HMAC_256", KeyUsage: "GENERATE_VERIFY_MAC"}),
		"RSA":       create(kms.CreateKeyInput{KeySpec: "RSA_2048", KeyUsage: "ENCRYPT_DECRYPT"}),
		"PRIMARY":   create(kms.CreateKeyInput{MultiRegion: aws.Bool(true)}),
		"EMPTY":     create(kms.CreateKeyInput{Origin: "EXTERNAL"}), "IMPORTED": create(kms.CreateKeyInput{Origin: "EXTERNAL"}),
	}
	importMaterial(t, s, keys["IMPORTED"].KeyId, newMaterial())
	for range 25 {
		must[*kms.RotateKeyOnDemandOutput](t)(s.Client.RotateKeyOnDemand(t.Context(), &kms.RotateKeyOnDemandInput{KeyId: keys["ROTATED"].KeyId}))
	}
	var tags []map[string]string
	for i := range 51 {
		tags = append(tags, map[string]string{"TagKey": fmt.Sprint("k", i), "TagValue": ""})
	}
	names := []string{"TAGS51", string(must[[]byte](t)(json.Marshal(tags))), `"ROOT"`, `"` + rootARN + `"`, "ROOT ", rootARN + " ", `"BLOB"`, string(must[[]byte](t)(json.Marshal(encrypt(t, s, keys["KEY"].KeyId, "p"))))}
	for name, k := range keys {
		names = append(names, `"`+name+`"`, `"`+*k.KeyId+`"`, "ARN-"+name, *k.Arn)
	}
	return strings.NewReplacer(names...)
}

func TestAnswers(t *testing.T) {
	s := kmstest.Start(t)
	names := newNames(t, s)
	for line := range strings.Lines(answers) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		operation, rest, _ := strings.Cut(line, " ")
		end := strings.LastIndexByte(rest, '}') + 1
		body := names.Replace(strings.TrimSpace(rest[:end]))
		code, message, _ := strings.Cut(strings.TrimSpace(names.Replace(rest[end:])), " ")
		t.Run(operation, func(t *testing.T) {
			wantAnswer(t, post(t, s, kmstest.Region, operation, []byte(body)), code, strings.TrimSpace(message))
		})
	}
}

// wantAnswer compares the error code and the whole message of an answer. An empty code means that
// the request must succeed.
func wantAnswer(t *testing.T, answer *http.Response, code, message string) {
	t.Helper()
	var got struct {
		Type    string `json:"__type"`
		Message *string
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); code != "" && err != nil {
		t.Fatal(err)
	}
	if code == "" && answer.StatusCode == http.StatusOK {
		return
	}
	if answer.StatusCode != http.StatusBadRequest || got.Type != code || aws.ToString(got.Message) != message {
		t.Errorf("%s, %s %q, want %s %q", answer.Status, got.Type, aws.ToString(got.Message), code, message)
	}
}

// A second new material is refused while one is pending. The error has the IDs of both. Source:
// recorded.
func TestSecondNewMaterial(t *testing.T) {
	s := kmstest.Start(t)
	k := describe(t, s, createExternal(t, s))
	importMaterial(t, s, k.KeyId, newMaterial())
	waiting := importNew(t, s, k.KeyId, newMaterial())
	other := newMaterial()
	_, err := importAs(t, s, k.KeyId, other, asNew)
	deleteMaterial(t, s, k.KeyId, &waiting)
	refused := importNew(t, s, k.KeyId, other)
	wantError(t, err, "KMSInvalidStateException", "New key material (id: "+refused+") cannot be imported into KMS key "+*k.Arn+
		", because another key material (id: "+waiting+") is pending rotation.")
}
