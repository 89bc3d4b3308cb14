package custody

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/kmstest"
)

// startKMS runs a server with the user alice, and sets the environment for its root. policy is the policy of alice.
func startKMS(t *testing.T, policy string) *kmstest.Server {
	t.Helper()
	file := filepath.Join(t.TempDir(), "seed.toml")
	text := "[[user]]\nname = \"alice\"\n[[user.access_key]]\nid = \"AKIAALICE\"\nsecret = \"alice\"\n"
	if policy != "" {
		text += "[[user.policy]]\nname = \"custody\"\ndocument = '''" + policy + "'''\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := kmstest.Start(t, kmstest.Seed(file))
	useKMS(t, s.Endpoint, kmstest.AccessKeyID, kmstest.SecretAccessKey)
	return s
}

// useKMS sets the environment as the AWS CLI reads it.
func useKMS(t *testing.T, endpoint, id, secret string) {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": endpoint, "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

func makeKey(t *testing.T, s *kmstest.Server) (arn string) {
	t.Helper()
	out, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	return *out.KeyMetadata.Arn
}

func awsSample(t *testing.T) sample {
	s := startKMS(t, "")
	return sample{
		one: Spec{"awskms", makeKey(t, s) + "?deployment=one"},
		two: Spec{"awskms", makeKey(t, s) + "?deployment=one"},
	}
}

// expectProof opens a custody, proves it, and checks the text of the error.
func expectProof(t *testing.T, argument, want string) {
	t.Helper()
	root, err := newAWSKMS(argument, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	err = Prove(t.Context(), root)
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%v, want %q", err, want)
	}
}

// The custody works if the key is usable and allowed. Errors name the remedy.
func TestAWSKMS(t *testing.T) {
	s := startKMS(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*",
		"Condition":{"StringEquals":{"kms:EncryptionContext:keyhold-deployment":"payments"}}}]}`)
	key := makeKey(t, s)
	argument := key + "?deployment=payments"
	expectProof(t, argument, "")
	if _, err := s.Client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String("alias/root"), TargetKeyId: &key}); err != nil {
		t.Fatal(err)
	}
	expectProof(t, "alias/root?deployment=payments", "")

	useKMS(t, s.Endpoint, "AKIAALICE", "alice")
	expectProof(t, argument, "")
	expectProof(t, key+"?deployment=other", "AccessDeniedException: ")
	expectProof(t, key+"?deployment=other", "allow kms:Encrypt and kms:Decrypt on the key with the context keyhold-deployment=other")
	useKMS(t, s.Endpoint, "AKIAALICE", "bob")
	expectProof(t, argument, "check the credentials")
	useKMS(t, s.Endpoint, "AKIANOBODY", "bob")
	expectProof(t, argument, "check the credentials")
	useKMS(t, s.Endpoint, kmstest.AccessKeyID, kmstest.SecretAccessKey)

	if _, err := s.Client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	expectProof(t, argument, "DisabledException: ")
	expectProof(t, argument, ": enable the key")
	if _, err := s.Client.ScheduleKeyDeletion(t.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &key}); err != nil {
		t.Fatal(err)
	}
	expectProof(t, argument, "cancel its deletion")
	missing := strings.Replace(key, key[len(key)-4:], "0000", 1)
	expectProof(t, missing+"?deployment=payments", "check the key, its Region, and AWS_ENDPOINT_URL_KMS")
}

// A grant with the context of the deployment is enough, and works for no other deployment.
func TestAWSKMSWithAGrant(t *testing.T) {
	s := startKMS(t, "")
	key := makeKey(t, s)
	useKMS(t, s.Endpoint, "AKIAALICE", "alice")
	expectProof(t, key+"?deployment=payments", "AccessDeniedException")
	_, err := s.Client.CreateGrant(t.Context(), &kms.CreateGrantInput{
		KeyId: &key, GranteePrincipal: aws.String("arn:aws:iam::" + kmstest.Account + ":user/alice"),
		Operations:  []types.GrantOperation{types.GrantOperationEncrypt, types.GrantOperationDecrypt},
		Constraints: &types.GrantConstraints{EncryptionContextSubset: map[string]string{"keyhold-deployment": "payments"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	expectProof(t, key+"?deployment=payments", "")
	expectProof(t, key+"?deployment=other", "AccessDeniedException")
}

// What another deployment or another key has wrapped does not open.
func TestAWSKMSBindsTheDeployment(t *testing.T) {
	s := startKMS(t, "")
	key := makeKey(t, s)
	open := func(argument string) seal.Root {
		root, err := openAWSKMS(argument, nil)
		if err != nil {
			t.Fatal(err)
		}
		return root
	}
	wrapped, err := open(key+"?deployment=one").Wrap(t.Context(), []byte("secret"), "context")
	if err != nil {
		t.Fatal(err)
	}
	for _, argument := range []string{key + "?deployment=two", makeKey(t, s) + "?deployment=one"} {
		if _, err := open(argument).Unwrap(t.Context(), wrapped, "context"); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: %v", argument, err)
		}
	}
}

// The other server sees neither the secret nor its size, and sees the names of the deployment and the purpose.
func TestWhatTheOtherServerSees(t *testing.T) {
	var requests []map[string]any
	fake := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var members map[string]any
		if err := json.NewDecoder(r.Body).Decode(&members); err != nil {
			t.Error(err)
		}
		requests = append(requests, members)
		w.Write([]byte(`{"CiphertextBlob":"AAAA"}`))
	}))
	defer fake.Close()
	useKMS(t, fake.URL, "a", "b")
	root, err := openAWSKMS("alias/root?deployment=payments", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := root.Wrap(t.Context(), []byte("the secret"), "keyhold root key v1 1"); err != nil {
		t.Fatal(err)
	}
	if len(requests) != 1 || len(requests[0]) != 3 || len(requests[0]["Plaintext"].(string)) != 44 || requests[0]["KeyId"] != "alias/root" {
		t.Fatalf("%v", requests)
	}
	got := requests[0]["EncryptionContext"].(map[string]any)
	if len(got) != 2 || got["keyhold-deployment"] != "payments" || got["keyhold-purpose"] != "keyhold root key v1 1" {
		t.Errorf("%v", got)
	}
}

// A server that cannot be reached, or is silent, is an error within a bounded time.
func TestAWSKMSFaults(t *testing.T) {
	const argument = "arn:aws:kms:eu-west-2:111122223333:alias/root?deployment=payments"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	useKMS(t, "http://"+listener.Addr().String(), "a", "b")
	expectProof(t, argument, "check the network, the credentials, and AWS_ENDPOINT_URL_KMS") // nobody accepts
	listener.Close()
	expectProof(t, argument, "check the network, the credentials, and AWS_ENDPOINT_URL_KMS")
	attempts := 0
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		attempts++
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer broken.Close()
	useKMS(t, broken.URL, "a", "b")
	expectProof(t, argument, "the key of awskms:arn:aws:kms:eu-west-2:111122223333:alias/root?deployment=payments: ")
	if attempts != awsAttempts {
		t.Errorf("%d attempts", attempts)
	}
	useKMS(t, broken.URL, "", "")
	expectProof(t, argument, "check the network, the credentials")
}

func TestArgumentsOfAWSKMS(t *testing.T) {
	useKMS(t, "", "a", "b")
	t.Setenv("AWS_REGION", "")
	for argument, want := range map[string]string{
		"alias/root":                           "is not complete: give awskms:KEY?deployment=NAME",
		"alias/root?deployment=":               "is not complete",
		"alias/root?deployment=a b":            "is not complete",
		"alias/root?deployment=a&deployment=b": "is not complete",
		"alias/root?deployment=a&x=b":          "is not complete",
		"alias/root?name=a":                    "is not complete",
		"alias/root?deployment=a%zz":           "is not complete",
		"?deployment=a":                        "is not complete",
		"alias/root?deployment=a":              "has no Region: give the ARN of the key, or set AWS_REGION",
		"arn:aws:kms:eu-west-2:111122223333:alias/root?deployment=a": "",
	} {
		root, err := openAWSKMS(argument, nil)
		if want == "" && (err != nil || root.ID() != "awskms:"+argument) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", argument, err)
		}
	}
	for endpoint, good := range map[string]bool{
		"http://kms.example.com": false, "http://10.0.0.1:4599": false, "https://kms.example.com": true,
		"http://localhost:1": true, "http://127.0.0.1:1": true, "http://[::1]:1": true, "": true,
	} {
		t.Setenv("AWS_ENDPOINT_URL_KMS", endpoint)
		if _, err := openAWSKMS("arn:aws:kms:eu-west-2:111122223333:alias/root?deployment=a", nil); (err == nil) != good {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
