package server_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/go-jose/go-jose/v4"

	"github.com/keyhold/keyhold/kmstest"
)

// An issuer is an OIDC provider, as Kubernetes clusters have one.
type issuer struct {
	*testing.T
	*httptest.Server
	key *rsa.PrivateKey
}

func newIssuer(t *testing.T) issuer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	i := issuer{t, httptest.NewTLSServer(mux), k}
	t.Cleanup(i.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: "1"}}})
	})
	return i
}

func (i issuer) token(subject, audience string) *string {
	i.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: "1"}}, nil)
	if err != nil {
		i.Fatal(err)
	}
	claims := fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":[%q],"exp":%d}`, i.URL, subject, audience, time.Now().Add(time.Hour).Unix())
	jws, err := s.Sign([]byte(claims))
	if err != nil {
		i.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		i.Fatal(err)
	}
	return &token
}

// startWithIdentities starts a server with a user alice, a role that she may assume, and a role for the issuer.
func startWithIdentities(t *testing.T, i issuer) *kmstest.Server {
	t.Helper()
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw})
	host := strings.TrimPrefix(i.URL, "https://")
	for name, text := range map[string]string{"ca.pem": string(ca), "seed.toml": `
[[oidc_provider]]
url = "` + i.URL + `"
client_ids = ["sts.amazonaws.com"]
ca_file = "ca.pem"

[[role]]
name = "app"
trust = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
  "Principal":{"Federated":"arn:aws:iam::000000000000:oidc-provider/` + host + `"},
  "Condition":{"StringEquals":{"` + host + `:aud":"sts.amazonaws.com","` + host + `:sub":"system:serviceaccount:prod:app"}}}]}'''
[[role.policy]]
name = "decrypt"
document = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}'''

[[role]]
name = "deployer"
trust = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],
  "Principal":{"AWS":"arn:aws:iam::000000000000:user/alice"}}]}'''

[[user]]
name = "alice"
[[user.access_key]]
id = "AKIAALICE"
secret = "alice's secret"
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return kmstest.Start(t, kmstest.Seed(filepath.Join(dir, "seed.toml")))
}

func providerOf(c *types.Credentials) aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

func wantCaller(t *testing.T, s *kmstest.Server, c aws.CredentialsProvider, arn string) {
	t.Helper()
	who, err := stsClient(s, c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != arn {
		t.Errorf("%v is not %s: %v", who, arn, err)
	}
}

func TestWebIdentity(t *testing.T) {
	i := newIssuer(t)
	s := startWithIdentities(t, i)
	nobody := stsClient(s, aws.AnonymousCredentials{})
	assume := func(role string, token *string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return nobody.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::000000000000:role/" + role), RoleSessionName: aws.String("pod-1"), WebIdentityToken: token,
		})
	}
	const app = "system:serviceaccount:prod:app"
	out, err := assume("app", i.token(app, "sts.amazonaws.com"))
	if err != nil {
		t.Fatal(err)
	}
	if *out.Audience != "sts.amazonaws.com" || *out.SubjectFromWebIdentityToken != app || *out.Provider != i.URL {
		t.Errorf("%+v", out)
	}
	wantCaller(t, s, providerOf(out.Credentials), "arn:aws:sts::000000000000:assumed-role/app/pod-1")

	for name, c := range map[string]struct {
		role       string
		token      *string
		code, part string
	}{
		"another subject":      {"app", i.token("system:serviceaccount:prod:other", "sts.amazonaws.com"), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		"a role that is not":   {"missing", i.token(app, "sts.amazonaws.com"), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		"a role of others":     {"deployer", i.token(app, "sts.amazonaws.com"), "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"},
		"another audience":     {"app", i.token(app, "vault"), "InvalidIdentityToken", "Incorrect token audience"},
		"another provider":     {"app", newIssuer(t).token(app, "sts.amazonaws.com"), "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://127.0.0.1"},
		"no token":             {"app", aws.String("none"), "InvalidIdentityToken", "not a valid JWT"},
		"a signature of ours":  {"app", aws.String(*i.token(app, "sts.amazonaws.com") + "x"), "InvalidIdentityToken", "signature"},
		"a token that is long": {"app", aws.String(strings.Repeat("a", 20001)), "ValidationError", "webIdentityToken"},
	} {
		_, err := assume(c.role, c.token)
		t.Log(name)
		wantCode(t, err, c.code, c.part)
	}
	_, err = assume("a b", i.token(app, "sts.amazonaws.com"))
	wantCode(t, err, "ValidationError", "is invalid")
	_, err = nobody.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "MissingAuthenticationToken", "")
	_, err = nobody.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/deployer"), RoleSessionName: aws.String("x1")})
	wantCode(t, err, "MissingAuthenticationToken", "")
}

func TestUsersAndRoles(t *testing.T) {
	s := startWithIdentities(t, newIssuer(t))
	alice := credentials.NewStaticCredentialsProvider("AKIAALICE", "alice's secret", "")
	wantCaller(t, s, alice, "arn:aws:iam::000000000000:user/alice")
	out, err := stsClient(s, alice).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::000000000000:role/deployer"), RoleSessionName: aws.String("build"),
		Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("prod é")}}, TransitiveTagKeys: []string{"stage"},
		Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	session := providerOf(out.Credentials)
	wantCaller(t, s, session, "arn:aws:sts::000000000000:assumed-role/deployer/build")
	if *out.SessionTokenUtilization < 1 {
		t.Errorf("%+v", out)
	}
	_, err = kms.New(s.Client.Options(), func(o *kms.Options) { o.Credentials = session }).ListKeys(t.Context(), &kms.ListKeysInput{})
	wantCode(t, err, "AccessDeniedException", "arn:aws:sts::000000000000:assumed-role/deployer/build is not authorized to perform: kms:ListKeys")
	_, err = stsClient(s, alice).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/app"), RoleSessionName: aws.String("build")})
	wantCode(t, err, "AccessDenied", "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role/app")
	_, err = stsClient(s, rootCredentials()).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/app"), RoleSessionName: aws.String("build")})
	wantCode(t, err, "AccessDenied", "Roles may not be assumed by root accounts.")
	wrong := credentials.NewStaticCredentialsProvider("AKIAALICE", "another secret", "")
	_, err = stsClient(s, wrong).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "SignatureDoesNotMatch", "")
	s.Advance(time.Hour)
	_, err = stsClient(s, session).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "ExpiredToken", "")
}

// A program in a pod, with only the official SDK: the token is in a file, STS returns credentials for the
// token, and the program decrypts with them.
func TestWebIdentityDecrypts(t *testing.T) {
	i := newIssuer(t)
	s := startWithIdentities(t, i)
	made, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := s.Client.Encrypt(t.Context(), &kms.EncryptInput{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("for the pod")})
	if err != nil {
		t.Fatal(err)
	}
	pod := func(subject string) *kms.Client {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(*i.token(subject, "sts.amazonaws.com")), 0o600); err != nil {
			t.Fatal(err)
		}
		provider := stscreds.NewWebIdentityRoleProvider(stsClient(s, aws.AnonymousCredentials{}), "arn:aws:iam::000000000000:role/app", stscreds.IdentityTokenFile(file))
		return kms.New(kms.Options{BaseEndpoint: &s.Endpoint, Region: kmstest.Region, Credentials: aws.NewCredentialsCache(provider), RetryMaxAttempts: 1})
	}
	app := pod("system:serviceaccount:prod:app")
	opened, err := app.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	if err != nil || string(opened.Plaintext) != "for the pod" {
		t.Errorf("%+v, %v", opened, err)
	}
	if _, err := app.Encrypt(t.Context(), &kms.EncryptInput{KeyId: made.KeyMetadata.KeyId, Plaintext: []byte("x")}); err == nil || !strings.Contains(err.Error(), "AccessDeniedException") {
		t.Errorf("its policy lets it decrypt alone: %v", err)
	}
	if _, err := pod("system:serviceaccount:prod:other").Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: sealed.CiphertextBlob}); err == nil {
		t.Error("another service account decrypts")
	}
}
