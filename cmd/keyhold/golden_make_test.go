package main

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/store/local"
)

// TestMakeGolden creates testdata/golden/KEYHOLD_GOLDEN_NAME with the program
// KEYHOLD_GOLDEN_PROGRAM: a small data folder with records of every kind, its root key, and the
// answers that it must give. Run it before each change of a record format, with the program before
// the change.
func TestMakeGolden(t *testing.T) {
	program, name := os.Getenv("KEYHOLD_GOLDEN_PROGRAM"), os.Getenv("KEYHOLD_GOLDEN_NAME")
	if program == "" || name == "" {
		t.Skip("KEYHOLD_GOLDEN_PROGRAM and KEYHOLD_GOLDEN_NAME are not set")
	}
	f := initFolder(t, program, filepath.Join(t.TempDir(), "data"))
	p := startCommand(t, os.Stderr, program, "serve", "--data", f.data, "--root-key-file", f.rootKey(), "--addr", "127.0.0.1:0", "--regions", "us-east-1,eu-west-2")
	m := &goldenMaker{
		goldenCaller: goldenCaller{t, p.endpoint, map[string]aws.Credentials{"root": f.credentials}},
		answers:      goldenAnswers{Made: time.Now().UTC().Truncate(time.Second)},
	}
	m.identities()
	m.keys()
	m.grants()
	m.crowd()
	m.texts()
	m.sessions()
	if err := p.End(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "verify", "--data", f.data, "--root-key-file", f.rootKey()).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m.answers.Credentials = m.credentials
	m.keep(f, filepath.Join(golden, name))
}

// A goldenMaker creates the content of a golden folder, and records requests with their answers.
type goldenMaker struct {
	goldenCaller
	answers goldenAnswers
}

// ask records a request and its answer.
func (m *goldenMaker) ask(as, region, target string, in members) {
	m.t.Helper()
	m.note(as, region, target, encode(m.t, in), true)
}

func (m *goldenMaker) note(as, region, target string, request []byte, keep bool) []byte {
	m.t.Helper()
	call := goldenCall{As: as, Region: region, Target: target, Request: request}
	status, answer := m.send(as, region, target, request)
	if call.Status = status; keep && len(answer) > 0 {
		call.Answer = answer
	}
	if !json.Valid(request) {
		call.Request = encode(m.t, string(request))
	}
	m.answers.Calls = append(m.answers.Calls, call)
	return answer
}

const (
	kmsTarget   = "TrentService."
	adminTarget = "KeyholdAdmin."
	east, west  = "us-east-1", "eu-west-2"
)

func (m *goldenMaker) identities() {
	const use = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:Decrypt","kms:DescribeKey"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"payroll"}}}}`
	const trust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}}`
	const assume = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`
	m.must(east, adminTarget+"PutAccount", members{"AccountId": "444455556666", "Name": "partner"})
	m.must(east, adminTarget+"PutPolicy", members{"Name": "use-payroll", "Document": use})
	m.must(east, adminTarget+"PutProvider", members{"Url": "https://oidc.example.com/cluster-1", "ClientIds": []string{"sts.amazonaws.com"}})
	m.must(east, adminTarget+"PutRole", members{"Name": "deployer", "Trust": trust, "ManagedPolicies": []string{"use-payroll"}, "PermissionsBoundary": "use-payroll"})
	for _, name := range []string{"alice", "bob"} {
		in := members{"Name": name, "Path": "/staff/", "AccessKeys": 1, "Tags": []members{{"TagKey": "team", "TagValue": "payroll"}}}
		if name == "alice" {
			in["Policies"] = []members{{"Name": "may-assume", "Document": assume}}
		}
		made := m.must(east, adminTarget+"PutUser", in)["NewAccessKeys"].([]any)[0].(members)
		m.credentials[name] = aws.Credentials{AccessKeyID: made["AccessKeyId"].(string), SecretAccessKey: made["SecretAccessKey"].(string)}
	}
	for kind, name := range map[string]string{"policy": "use-payroll", "role": "deployer", "provider": "oidc.example.com/cluster-1"} {
		m.ask("root", east, adminTarget+"ShowIdentity", members{"Kind": kind, "Name": name})
	}
}

// key creates a key and returns its ID.
func (m *goldenMaker) key(in members) string {
	m.t.Helper()
	return m.must(east, kmsTarget+"CreateKey", in)["KeyMetadata"].(members)["KeyId"].(string)
}

func (m *goldenMaker) keys() {
	app := m.key(members{"Description": "app", "Tags": []members{{"TagKey": "team", "TagValue": "payroll"}}})
	m.must(east, kmsTarget+"CreateAlias", members{"AliasName": "alias/app", "TargetKeyId": app})
	m.must(east, kmsTarget+"EnableKeyRotation", members{"KeyId": app})
	m.ciphertext(app, "before the rotation")
	m.must(east, kmsTarget+"RotateKeyOnDemand", members{"KeyId": app})
	m.ciphertext(app, "after the rotation")
	m.must(east, kmsTarget+"PutKeyPolicy", members{"KeyId": app, "Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"},{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::000000000000:user/staff/bob"},"Action":"kms:Decrypt","Resource":"*"}]}`})

	m.external()
	region := m.key(members{"MultiRegion": true})
	m.must(east, kmsTarget+"ReplicateKey", members{"KeyId": region, "ReplicaRegion": west})
	m.ciphertext(region, "in one Region")
	m.ask("root", west, kmsTarget+"Decrypt", members{"KeyId": region, "CiphertextBlob": m.must(west, kmsTarget+"Encrypt", members{"KeyId": region, "Plaintext": []byte("in the other")})["CiphertextBlob"]})
	m.ask("root", west, kmsTarget+"DescribeKey", members{"KeyId": region})

	disabled, pending := m.key(members{}), m.key(members{})
	m.must(east, kmsTarget+"DisableKey", members{"KeyId": disabled})
	m.must(east, kmsTarget+"ScheduleKeyDeletion", members{"KeyId": pending, "PendingWindowInDays": 30})
	m.ciphertextRefused(disabled)
	for _, id := range []string{app, region, disabled, pending} {
		for _, operation := range []string{"DescribeKey", "GetKeyPolicy", "ListAliases", "ListResourceTags", "GetKeyRotationStatus", "ListKeyRotations"} {
			m.ask("root", east, kmsTarget+operation, members{"KeyId": id})
		}
	}
	m.signatures()
}

// ciphertext encrypts now and records the answers to Decrypt.
func (m *goldenMaker) ciphertext(id, text string) {
	m.t.Helper()
	context := members{"for": text}
	blob := m.must(east, kmsTarget+"Encrypt", members{"KeyId": id, "Plaintext": []byte(text), "EncryptionContext": context})["CiphertextBlob"]
	for _, as := range []string{"root", "alice", "bob"} {
		m.ask(as, east, kmsTarget+"Decrypt", members{"CiphertextBlob": blob, "EncryptionContext": context})
	}
	m.ask("root", east, kmsTarget+"Decrypt", members{"CiphertextBlob": blob, "EncryptionContext": members{"for": "another"}})
}

func (m *goldenMaker) ciphertextRefused(id string) {
	m.t.Helper()
	m.ask("root", east, kmsTarget+"Encrypt", members{"KeyId": id, "Plaintext": []byte("x")})
}

// external imports key material that expires, and material that waits for a rotation. Both have descriptions.
func (m *goldenMaker) external() {
	m.t.Helper()
	id := m.key(members{"Origin": "EXTERNAL"})
	expires := m.answers.Made.AddDate(0, 0, 300).Unix()
	m.bring(id, "the material of a golden folder!", members{"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": expires,
		"KeyMaterialDescription": "from the safe"})
	m.ciphertext(id, "imported")
	m.bring(id, "the next material of the folder.", members{"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
		"ImportType": "NEW_KEY_MATERIAL", "KeyMaterialDescription": "for later"})
	m.ask("root", east, kmsTarget+"DescribeKey", members{"KeyId": id})
	m.ask("root", east, kmsTarget+"ListKeyRotations", members{"KeyId": id, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"})
}

// bring imports key material.
func (m *goldenMaker) bring(id, material string, in members) {
	m.t.Helper()
	p := m.must(east, kmsTarget+"GetParametersForImport", members{"KeyId": id, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"})
	der, err := base64.StdEncoding.DecodeString(p["PublicKey"].(string))
	if err != nil {
		m.t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		m.t.Fatal(err)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), []byte(material), nil)
	if err != nil {
		m.t.Fatal(err)
	}
	in["KeyId"], in["ImportToken"], in["EncryptedKeyMaterial"] = id, p["ImportToken"], wrapped
	m.must(east, kmsTarget+"ImportKeyMaterial", in)
}

// signatures records the signatures of a key of each signing spec, a MAC, and the public key of a
// KEM.
func (m *goldenMaker) signatures() {
	message := []byte("a message")
	for spec, algorithm := range map[string]string{
		"RSA_2048": "RSASSA_PSS_SHA_256", "ECC_NIST_P256": "ECDSA_SHA_256", "ECC_SECG_P256K1": "ECDSA_SHA_256",
		"ECC_NIST_EDWARDS25519": "ED25519_SHA_512", "ML_DSA_44": "ML_DSA_SHAKE_256",
	} {
		id := m.key(members{"KeySpec": spec, "KeyUsage": "SIGN_VERIFY"})
		signed := m.must(east, kmsTarget+"Sign", members{"KeyId": id, "Message": message, "SigningAlgorithm": algorithm})
		m.ask("root", east, kmsTarget+"Verify", members{"KeyId": id, "Message": message, "SigningAlgorithm": algorithm, "Signature": signed["Signature"]})
		m.ask("root", east, kmsTarget+"GetPublicKey", members{"KeyId": id})
	}
	id := m.key(members{"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})
	m.ask("root", east, kmsTarget+"GenerateMac", members{"KeyId": id, "Message": message, "MacAlgorithm": "HMAC_SHA_256"})
	id = m.key(members{"KeySpec": "ML_KEM_512", "KeyUsage": "ENCAPSULATE_DECAPSULATE"})
	m.ask("root", east, kmsTarget+"GetPublicKey", members{"KeyId": id})
}

const (
	aliceARN    = "arn:aws:iam::000000000000:user/staff/alice"
	deployerARN = "arn:aws:iam::000000000000:role/deployer"
	partnerARN  = "arn:aws:iam::444455556666:root"
)

// grants creates grants of each kind, and records the requests that they allow and refuse.
func (m *goldenMaker) grants() {
	id := m.key(members{"Description": "granted"})
	grant := func(in members) (token string) {
		in["KeyId"] = id
		return m.must(east, kmsTarget+"CreateGrant", in)["GrantToken"].(string)
	}
	equals := func(context members) members { return members{"EncryptionContextEquals": context} }
	subset := func(context members) members { return members{"EncryptionContextSubset": context} }
	token := grant(members{"GranteePrincipal": aliceARN, "Operations": []string{"Decrypt"}, "Constraints": equals(members{"tenant": "1", "app": "x"})})
	grant(members{"GranteePrincipal": aliceARN, "Operations": []string{"Decrypt", "Encrypt"}, "Constraints": subset(members{"tenant": "2"}), "Name": "named", "RetiringPrincipal": partnerARN})
	grant(members{"GranteePrincipal": aliceARN, "Operations": []string{"CreateGrant", "GenerateDataKey"}, "Constraints": equals(members{}), "RetiringPrincipal": aliceARN})
	grant(members{"GranteePrincipal": deployerARN, "Operations": []string{"DescribeKey", "RetireGrant"}})
	grant(members{"GranteePrincipal": partnerARN, "Operations": []string{"Encrypt"}, "Name": "named"})
	grant(members{"GranteeServicePrincipal": "logs.amazonaws.com", "RetiringServicePrincipal": "logs.amazonaws.com", "Operations": []string{"Decrypt"}, "Constraints": members{"SourceArn": "arn:aws:logs:us-east-1:000000000000:*"}})
	revoked := m.must(east, kmsTarget+"CreateGrant", members{"KeyId": id, "GranteePrincipal": aliceARN, "Operations": []string{"ReEncryptFrom"}})
	m.must(east, kmsTarget+"RevokeGrant", members{"KeyId": id, "GrantId": revoked["GrantId"]})

	for _, context := range []members{{"tenant": "1", "app": "x"}, {"tenant": "1"}, {"tenant": "2"}, {"tenant": "2", "app": "y"}, {"tenant": "3"}, {}} {
		blob := m.must(east, kmsTarget+"Encrypt", members{"KeyId": id, "Plaintext": []byte("granted"), "EncryptionContext": context})["CiphertextBlob"]
		for _, tokens := range [][]string{nil, {token}, {revoked["GrantToken"].(string)}} {
			m.ask("alice", east, kmsTarget+"Decrypt", members{"KeyId": id, "CiphertextBlob": blob, "EncryptionContext": context, "GrantTokens": tokens})
		}
	}
	for _, filter := range []members{{}, {"GranteePrincipal": aliceARN}, {"Limit": 2}} {
		filter["KeyId"] = id
		m.ask("root", east, kmsTarget+"ListGrants", filter)
	}
	m.ask("root", east, kmsTarget+"ListRetirableGrants", members{"RetiringPrincipal": aliceARN})
	for _, constraint := range []members{equals(members{}), subset(members{"a": "b"})} {
		in := members{"KeyId": id, "GranteePrincipal": partnerARN, "Operations": []string{"GenerateDataKey"}, "Constraints": constraint, "DryRun": true}
		m.ask("alice", east, kmsTarget+"CreateGrant", in)
	}
	m.ask("alice", east, kmsTarget+"DescribeKey", members{"KeyId": id})
}

// crowded is the number of grants of one principal on one key. The migration needs several pages for
// them.
const crowded = 110

func (m *goldenMaker) crowd() {
	id := m.key(members{"Description": "crowded"})
	for i := range crowded {
		m.must(east, kmsTarget+"CreateGrant", members{"KeyId": id, "GranteePrincipal": aliceARN, "Operations": []string{"Decrypt"},
			"Constraints": members{"EncryptionContextSubset": members{"n": fmt.Sprint(i)}}})
	}
	for _, n := range []int{0, 57, crowded - 1, crowded} {
		context := members{"n": fmt.Sprint(n), "other": "pair"}
		blob := m.must(east, kmsTarget+"Encrypt", members{"KeyId": id, "Plaintext": []byte("crowded"), "EncryptionContext": context})["CiphertextBlob"]
		m.ask("alice", east, kmsTarget+"Decrypt", members{"CiphertextBlob": blob, "EncryptionContext": context})
	}
	m.ask("root", east, kmsTarget+"ListGrants", members{"KeyId": id, "GranteePrincipal": aliceARN, "Limit": 3})
}

// described is the number of keys with texts. The migration needs several pages for them.
const described = 110

func (m *goldenMaker) texts() {
	for i := range described {
		id := m.key(members{"Description": fmt.Sprint("key ", i), "Tags": []members{{"TagKey": "n", "TagValue": fmt.Sprint(i)}}})
		if i%50 != 0 {
			continue
		}
		for _, operation := range []string{"DescribeKey", "GetKeyPolicy", "ListResourceTags"} {
			m.ask("root", east, kmsTarget+operation, members{"KeyId": id})
		}
	}
}

// sessions assumes the role, and records what the session may do.
func (m *goldenMaker) sessions() {
	answer := m.note("alice", east, "sts.AssumeRole", form("AssumeRole", "RoleArn", deployerARN, "RoleSessionName", "golden"), false)
	var out struct {
		ID     string `xml:"AssumeRoleResult>Credentials>AccessKeyId"`
		Secret string `xml:"AssumeRoleResult>Credentials>SecretAccessKey"`
		Token  string `xml:"AssumeRoleResult>Credentials>SessionToken"`
	}
	if err := xml.Unmarshal(answer, &out); err != nil || out.Token == "" {
		m.t.Fatalf("%v: %s", err, answer)
	}
	m.credentials["session"] = aws.Credentials{AccessKeyID: out.ID, SecretAccessKey: out.Secret, SessionToken: out.Token}
	for _, alias := range []string{"alias/app", "alias/none"} {
		m.ask("session", east, kmsTarget+"DescribeKey", members{"KeyId": alias})
	}
	m.note("session", east, "sts.GetCallerIdentity", form("GetCallerIdentity"), false)
}

// keep writes the golden folder. Compaction removes the free pages of the database.
func (m *goldenMaker) keep(f faultFolder, dir string) {
	m.t.Helper()
	must := func(err error) {
		m.t.Helper()
		if err != nil {
			m.t.Fatal(err)
		}
	}
	must(os.RemoveAll(dir))
	must(os.MkdirAll(dir, 0o700))
	compact := filepath.Join(m.t.TempDir(), local.FileName)
	from, err := bbolt.Open(filepath.Join(f.data, local.FileName), 0o600, &bbolt.Options{ReadOnly: true})
	must(err)
	to, err := bbolt.Open(compact, 0o600, nil)
	must(err)
	must(bbolt.Compact(to, from, 0))
	must(to.Close())
	must(from.Close())
	for name, at := range map[string]string{
		local.FileName + packed: compact, local.SlotsName + packed: filepath.Join(f.data, local.SlotsName),
		host.AuditName: filepath.Join(f.data, host.AuditName), "root-key": f.rootKey(),
	} {
		content, err := os.ReadFile(at)
		must(err)
		if strings.HasSuffix(name, packed) {
			content = pack(m.t, content)
		}
		must(os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	must(keepAudit(m.t, filepath.Join(f.data, "audit"), filepath.Join(dir, "audit")))
	text, err := json.MarshalIndent(m.answers, "", " ")
	must(err)
	must(os.WriteFile(filepath.Join(dir, "answers.json"), append(text, '\n'), 0o600))
}

// keepAudit keeps the folder that the audit log has beside the file of its newest lines. Older programs have no such
// folder.
func keepAudit(t *testing.T, from, to string) error {
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(from, path)
		if at := filepath.Join(to, relative); err != nil || e.IsDir() {
			return errors.Join(err, os.MkdirAll(at, 0o700))
		}
		content, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(filepath.Join(to, relative)+packed, pack(t, content), 0o600))
	})
}

// packed ends the names of files in golden folders that are not text: they are compressed, and encoded as text.
const packed = ".gz.base64"

func pack(t *testing.T, content []byte) []byte {
	t.Helper()
	var compressed, text bytes.Buffer
	w := gzip.NewWriter(&compressed)
	_, err := w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(compressed.Bytes())), 100) {
		fmt.Fprintf(&text, "%s\n", line)
	}
	return text.Bytes()
}

func unpack(t *testing.T, text []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
