package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// kindsOfKeys creates a key of each kind of docs/api.md, in the order of its columns. Each key is in
// us-east-1, and a variable of the name of its kind has its ID.
const kindsOfKeys = `
kms CreateKey
save SYMMETRIC KeyMetadata.KeyId
kms CreateKey Origin=EXTERNAL
save IMPORTED KeyMetadata.KeyId
kms CreateKey KeySpec=HMAC_256 KeyUsage=GENERATE_VERIFY_MAC
save HMAC KeyMetadata.KeyId
kms CreateKey KeySpec=RSA_2048 KeyUsage=ENCRYPT_DECRYPT
save RSA_ENC KeyMetadata.KeyId
kms CreateKey KeySpec=RSA_2048 KeyUsage=SIGN_VERIFY
save RSA_SIGN KeyMetadata.KeyId
kms CreateKey KeySpec=ECC_NIST_P256 KeyUsage=SIGN_VERIFY
save ECC_SIGN KeyMetadata.KeyId
kms CreateKey KeySpec=ECC_NIST_P256 KeyUsage=KEY_AGREEMENT
save ECC_AGREE KeyMetadata.KeyId
kms CreateKey KeySpec=ECC_NIST_EDWARDS25519 KeyUsage=SIGN_VERIFY
save ED25519 KeyMetadata.KeyId
kms CreateKey KeySpec=ML_DSA_44 KeyUsage=SIGN_VERIFY
save ML_DSA KeyMetadata.KeyId
kms CreateKey KeySpec=ML_KEM_512 KeyUsage=ENCAPSULATE_DECAPSULATE
save ML_KEM KeyMetadata.KeyId
kms CreateKey MultiRegion:=true
save PRIMARY KeyMetadata.KeyId
kms ReplicateKey KeyId=$PRIMARY ReplicaRegion=eu-west-2
env AWS_REGION=eu-west-2
kms CreateKey MultiRegion:=true
save REPLICA KeyMetadata.KeyId
kms ReplicateKey KeyId=$REPLICA ReplicaRegion=us-east-1
env AWS_REGION=us-east-1

# One has material, and other material that waits for a rotation.
exec openssl rand -out own/first.bin 32
import $IMPORTED own/first.bin
cp last-token.bin token.bin
cp last-wrapped.bin wrapped.bin
exec openssl rand -out own/second.bin 32
import $IMPORTED own/second.bin ImportType=NEW_KEY_MATERIAL

# What the requests are about, where a key is not to get as far as that.
kms Encrypt KeyId=$SYMMETRIC Plaintext=@hello.txt
saveblob blob.bin CiphertextBlob
kms Sign KeyId=$ECC_SIGN Message=@hello.txt SigningAlgorithm=ECDSA_SHA_256
saveblob signature.bin Signature
kms GenerateMac KeyId=$HMAC Message=@hello.txt MacAlgorithm=HMAC_SHA_256
saveblob mac.bin Mac
kms GetPublicKey KeyId=$ECC_AGREE
saveblob public.der PublicKey
kms Encapsulate KeyId=$ML_KEM EncapsulationAlgorithm=ML_KEM
saveblob shared.bin SharedSecretCiphertextBlob
kms CreateAlias AliasName=alias/still TargetKeyId=$SYMMETRIC
`

// algorithmsOfKinds has the algorithms of the requests for each kind. "others" is for kinds without
// a line.
const algorithmsOfKinds = `
others    ENCRYPTION=SYMMETRIC_DEFAULT   SIGNING=ECDSA_SHA_256
rsa-enc   ENCRYPTION=RSAES_OAEP_SHA_256  SIGNING=RSASSA_PSS_SHA_256
rsa-sign  ENCRYPTION=RSAES_OAEP_SHA_256  SIGNING=RSASSA_PSS_SHA_256
ed25519   ENCRYPTION=SYMMETRIC_DEFAULT   SIGNING=ED25519_SHA_512
ml-dsa    ENCRYPTION=SYMMETRIC_DEFAULT   SIGNING=ML_DSA_SHAKE_256
`

// requestsOfKinds has one paragraph of requests for each operation. An operation with two paragraphs
// has a second word in its title. "?" marks the request that may be refused. "ok" marks lines that
// only run for kinds that the server does not refuse. Each paragraph ends in the state in which it
// began.
const requestsOfKinds = `
CancelKeyDeletion
kms ScheduleKeyDeletion KeyId=$KEY
? kms CancelKeyDeletion KeyId=$KEY
kms EnableKey KeyId=$KEY

CreateAlias
? kms CreateAlias AliasName=alias/new TargetKeyId=$KEY
ok kms DeleteAlias AliasName=alias/new

Decapsulate
ok kms Encapsulate KeyId=$KEY EncapsulationAlgorithm=ML_KEM
ok saveblob shared.bin SharedSecretCiphertextBlob
? kms Decapsulate KeyId=$KEY EncapsulationAlgorithm=ML_KEM SharedSecretCiphertextBlob=@shared.bin

Decrypt
ok kms Encrypt KeyId=$KEY Plaintext=@hello.txt EncryptionAlgorithm=$ENCRYPTION
ok saveblob blob.bin CiphertextBlob
? kms Decrypt KeyId=$KEY CiphertextBlob=@blob.bin EncryptionAlgorithm=$ENCRYPTION

DeleteAlias
kms CreateAlias AliasName=alias/new TargetKeyId=$KEY
? kms DeleteAlias AliasName=alias/new

DeleteImportedKeyMaterial
? kms DeleteImportedKeyMaterial KeyId=$KEY
ok import $KEY own/first.bin

DeriveSharedSecret
? kms DeriveSharedSecret KeyId=$KEY KeyAgreementAlgorithm=ECDH PublicKey=@public.der

DescribeKey
? kms DescribeKey KeyId=$KEY

DisableKey
? kms DisableKey KeyId=$KEY
kms EnableKey KeyId=$KEY

DisableKeyRotation
ok kms EnableKeyRotation KeyId=$KEY
? kms DisableKeyRotation KeyId=$KEY

EnableKey
kms DisableKey KeyId=$KEY
? kms EnableKey KeyId=$KEY

EnableKeyRotation
? kms EnableKeyRotation KeyId=$KEY
ok kms DisableKeyRotation KeyId=$KEY

Encapsulate
? kms Encapsulate KeyId=$KEY EncapsulationAlgorithm=ML_KEM

Encrypt
? kms Encrypt KeyId=$KEY Plaintext=@hello.txt EncryptionAlgorithm=$ENCRYPTION

GenerateDataKey
? kms GenerateDataKey KeyId=$KEY KeySpec=AES_256

GenerateDataKeyPair
? kms GenerateDataKeyPair KeyId=$KEY KeyPairSpec=ECC_NIST_P256

GenerateDataKeyPairWithoutPlaintext
? kms GenerateDataKeyPairWithoutPlaintext KeyId=$KEY KeyPairSpec=ECC_NIST_P256

GenerateDataKeyWithoutPlaintext
? kms GenerateDataKeyWithoutPlaintext KeyId=$KEY KeySpec=AES_256

GenerateMac
? kms GenerateMac KeyId=$KEY Message=@hello.txt MacAlgorithm=HMAC_SHA_256

GetKeyLastUsage
? kms GetKeyLastUsage KeyId=$KEY

GetKeyPolicy
? kms GetKeyPolicy KeyId=$KEY

GetKeyRotationStatus
? kms GetKeyRotationStatus KeyId=$KEY
ok stdout '"KeyRotationEnabled": false'

GetParametersForImport
? kms GetParametersForImport KeyId=$KEY WrappingAlgorithm=RSAES_OAEP_SHA_256 WrappingKeySpec=RSA_2048

GetPublicKey
? kms GetPublicKey KeyId=$KEY

ImportKeyMaterial
? kms ImportKeyMaterial KeyId=$KEY ImportToken=@token.bin EncryptedKeyMaterial=@wrapped.bin ExpirationModel=KEY_MATERIAL_DOES_NOT_EXPIRE

ListAliases
? kms ListAliases KeyId=$KEY

ListGrants
? kms ListGrants KeyId=$KEY

ListKeyPolicies
? kms ListKeyPolicies KeyId=$KEY

ListKeyRotations
? kms ListKeyRotations KeyId=$KEY

ListResourceTags
? kms ListResourceTags KeyId=$KEY

PutKeyPolicy
kms GetKeyPolicy KeyId=$KEY
save POLICY Policy
? kms PutKeyPolicy KeyId=$KEY Policy=$POLICY

ReEncrypt from
ok kms Encrypt KeyId=$KEY Plaintext=@hello.txt EncryptionAlgorithm=$ENCRYPTION
ok saveblob blob.bin CiphertextBlob
? kms ReEncrypt SourceKeyId=$KEY CiphertextBlob=@blob.bin SourceEncryptionAlgorithm=$ENCRYPTION DestinationKeyId=$SYMMETRIC

ReEncrypt to
kms Encrypt KeyId=$SYMMETRIC Plaintext=@hello.txt
saveblob blob.bin CiphertextBlob
? kms ReEncrypt CiphertextBlob=@blob.bin DestinationKeyId=$KEY DestinationEncryptionAlgorithm=$ENCRYPTION

ReplicateKey
? kms ReplicateKey KeyId=$KEY ReplicaRegion=ap-south-1

RetireGrant
kms CreateGrant KeyId=$KEY GranteePrincipal=arn:aws:iam::000000000000:root Operations:='["DescribeKey"]'
save TOKEN GrantToken
? kms RetireGrant GrantToken=$TOKEN

RevokeGrant
kms CreateGrant KeyId=$KEY GranteePrincipal=arn:aws:iam::000000000000:root Operations:='["DescribeKey"]'
save GRANT GrantId
? kms RevokeGrant KeyId=$KEY GrantId=$GRANT

RotateKeyOnDemand
? kms RotateKeyOnDemand KeyId=$KEY

ScheduleKeyDeletion
? kms ScheduleKeyDeletion KeyId=$KEY
kms CancelKeyDeletion KeyId=$KEY
kms EnableKey KeyId=$KEY

Sign
? kms Sign KeyId=$KEY Message=@hello.txt SigningAlgorithm=$SIGNING

TagResource
? kms TagResource KeyId=$KEY Tags:='[{"TagKey":"team","TagValue":"blue"}]'

UntagResource
? kms UntagResource KeyId=$KEY TagKeys:='["team"]'

UpdateKeyDescription
? kms UpdateKeyDescription KeyId=$KEY Description=

UpdatePrimaryRegion
? kms UpdatePrimaryRegion KeyId=$KEY PrimaryRegion=eu-west-2
ok env AWS_REGION=eu-west-2
ok kms UpdatePrimaryRegion KeyId=$KEY PrimaryRegion=us-east-1
ok env AWS_REGION=us-east-1

Verify
ok kms Sign KeyId=$KEY Message=@hello.txt SigningAlgorithm=$SIGNING
ok saveblob signature.bin Signature
? kms Verify KeyId=$KEY Message=@hello.txt Signature=@signature.bin SigningAlgorithm=$SIGNING

VerifyMac
? kms VerifyMac KeyId=$KEY Message=@hello.txt Mac=@mac.bin MacAlgorithm=HMAC_SHA_256
`

// grantRequest asks for a grant of one operation. aliasRequest moves an alias from a key of one
// kind.
const (
	grantRequest = `
? kms CreateGrant KeyId=$KEY GranteePrincipal=arn:aws:iam::000000000000:root Operations:='["%s"]'
ok save GRANT GrantId
ok kms RevokeGrant KeyId=$KEY GrantId=$GRANT`
	aliasRequest = `
kms CreateAlias AliasName=alias/moving TargetKeyId=$%s
? kms UpdateAlias AliasName=alias/moving TargetKeyId=$KEY
kms DeleteAlias AliasName=alias/moving`
)

// alikeKinds has one line for each key type and usage. An alias can move between the kinds of one
// line.
const alikeKinds = `
symmetric imported primary replica
hmac
rsa-enc
rsa-sign ecc-sign ed25519 ml-dsa
ecc-agree
ml-kem
`

// refusalsOfKinds has the error for each word of the tables except "ok".
var refusalsOfKinds = map[string]string{
	"usage":       "InvalidKeyUsageException",
	"unsupported": "UnsupportedOperationException",
	"validation":  "ValidationException",
}

// TestKindsOfKeys sends a request of each operation for a key of each kind, and expects the result
// in the table of docs/api.md. It also grants each operation, and moves an alias from each other
// kind. All requests are one story.
func TestKindsOfKeys(t *testing.T) {
	p := storyParams(newStory)
	p.Files, p.ContinueOnError = []string{writeKindsStory(t)}, true
	testscript.Run(t, p)
}

// writeKindsStory writes the story to a file.
func writeKindsStory(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kinds.txtar")
	if err := os.WriteFile(path, []byte(kindsStory(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// kindsStory returns the text of the story.
func kindsStory(t *testing.T) string {
	table := readKinds(t)
	requests := append(parseRequests(t, table), requestsOfGrants(table)...)
	requests = append(requests, requestsOfAliases(t, table)...)
	algorithms := map[string]string{}
	for line := range strings.Lines(strings.TrimSpace(algorithmsOfKinds)) {
		kind, words, _ := strings.Cut(strings.TrimSpace(line), " ")
		algorithms[kind] = words
	}
	story := []string{"server start", kindsOfKeys}
	cells := map[string]int{}
	for i, kind := range table.kinds {
		story = append(story, "# "+kind, "env KEY=$"+variableOf(kind), "env "+cmp.Or(algorithms[kind], algorithms["others"]))
		for _, r := range requests {
			word := r.cells[i]
			cells[word]++
			story = append(story, r.of(word)...)
		}
	}
	t.Logf("%d kinds of keys, %d requests: %v", len(table.kinds), len(requests), cells)
	return strings.Join(append(story, "server stop", "-- hello.txt --", "hello", ""), "\n")
}

func variableOf(kind string) string { return strings.ToUpper(strings.ReplaceAll(kind, "-", "_")) }

// A kindsTable is the table of docs/api.md.
type kindsTable struct {
	kinds []string
	rows  map[string][]string
}

// row returns the words of an operation. All words are "ok" for an operation without a row.
func (k kindsTable) row(operation string) []string {
	if row := k.rows[operation]; row != nil {
		return row
	}
	return slices.Repeat([]string{"ok"}, len(k.kinds))
}

var kindsSection = regexp.MustCompile("(?s)\n## Kinds of key\n.*?\n```\noperation +(.*?)\n(.*?)\n```\n")

func readKinds(t *testing.T) kindsTable {
	t.Helper()
	b, err := os.ReadFile("../../docs/api.md")
	found := kindsSection.FindSubmatch(b)
	if err != nil || found == nil {
		t.Fatalf("no table of kinds (%v)", err)
	}
	table := kindsTable{strings.Fields(string(found[1])), map[string][]string{}}
	for line := range strings.Lines(string(found[2])) {
		f := strings.Fields(line)
		if len(f) != 1+len(table.kinds) {
			t.Fatalf("broken line %q", line)
		}
		table.rows[f[0]] = f[1:]
	}
	return table
}

// A kindRequest is a request, and its expected result for each kind.
type kindRequest struct {
	lines []string
	cells []string
}

// refusalOfKind returns the error of a word for a request. IncorrectKeyException is the error if a
// request names a key that cannot open the ciphertext.
func refusalOfKind(word, request string) string {
	opens := strings.HasPrefix(request, "kms Decrypt ") || strings.HasPrefix(request, "kms ReEncrypt SourceKeyId=")
	if word == "usage" && opens {
		return "IncorrectKeyException"
	}
	return refusalsOfKinds[word]
}

// of returns the lines of the story for a kind with this word. If the word is an error, the request
// must not change the key.
func (r kindRequest) of(word string) (lines []string) {
	for _, line := range r.lines {
		request, isRequest := strings.CutPrefix(line, "? ")
		permitted, ifPermitted := strings.CutPrefix(line, "ok ")
		switch {
		case isRequest && word == "ok":
			lines = append(lines, request)
		case isRequest:
			lines = append(lines, "kms DescribeKey KeyId=$KEY", "cp stdout key.json", "! "+request,
				"stderr '^"+refusalOfKind(word, request)+": '", "kms DescribeKey KeyId=$KEY", "cmp stdout key.json")
		case !ifPermitted:
			lines = append(lines, line)
		case word == "ok":
			lines = append(lines, permitted)
		}
	}
	return lines
}

// parseRequests returns the requests of all operations about one key. The test fails if an operation
// is missing.
func parseRequests(t *testing.T, table kindsTable) (all []kindRequest) {
	t.Helper()
	missing := map[string]bool{}
	for line := range strings.Lines(key.Grid()) {
		missing[strings.Fields(line)[0]] = true
	}
	for _, apart := range []string{"operation", "CreateGrant", "UpdateAlias"} {
		delete(missing, apart)
	}
	for operation := range table.rows {
		if !missing[operation] {
			t.Errorf("%s is in the table of kinds, but not in the state grid", operation)
		}
	}
	for _, paragraph := range strings.Split(strings.TrimSpace(requestsOfKinds), "\n\n") {
		lines := strings.Split(strings.TrimSpace(paragraph), "\n")
		operation := strings.Fields(lines[0])[0]
		all = append(all, kindRequest{lines[1:], table.row(operation)})
		delete(missing, operation)
	}
	if len(missing) > 0 {
		t.Errorf("no request for: %v", missing)
	}
	return all
}

// requestsOfGrants asks for a grant of each operation. A key can grant the operations that it
// supports.
func requestsOfGrants(table kindsTable) (all []kindRequest) {
	for _, operation := range api.Enum("GrantOperation") {
		cells := slices.Clone(table.row(strings.TrimSuffix(strings.TrimSuffix(operation, "From"), "To")))
		for i, word := range cells {
			if word != "ok" {
				cells[i] = "validation"
			}
		}
		all = append(all, kindRequest{strings.Split(strings.TrimSpace(fmt.Sprintf(grantRequest, operation)), "\n"), cells})
	}
	return all
}

// requestsOfAliases moves an alias to the key from a key of each kind.
func requestsOfAliases(t *testing.T, table kindsTable) (all []kindRequest) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(alikeKinds)) {
		alike := strings.Fields(line)
		var cells []string
		for _, kind := range table.kinds {
			cells = append(cells, map[bool]string{true: "ok", false: "validation"}[slices.Contains(alike, kind)])
		}
		for _, kind := range alike {
			all = append(all, kindRequest{strings.Split(strings.TrimSpace(fmt.Sprintf(aliasRequest, variableOf(kind))), "\n"), cells})
		}
	}
	if len(all) != len(table.kinds) {
		t.Errorf("an alias moves from %d of %d kinds", len(all), len(table.kinds))
	}
	return all
}
