package server_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/go-jose/go-jose/v4"

	"github.com/keyhold/keyhold/kmstest"
)

// A testRequest is a request that the test signs itself, so that every part of it can be wrong.
type testRequest struct {
	method, path, service, region string
	target, body, contentType     string
	id, secret, token             string
	at                            time.Time
	unsigned                      []string            // headers not to sign
	extra                         http.Header         // additional signed headers
	payload                       string              // digest to sign; "" means the digest of the body
	after                         func(*http.Request) // called after signing
}

// rootRequest returns a valid request of the root.
func rootRequest() testRequest {
	return testRequest{
		method: "POST", path: "/", service: "kms", region: kmstest.Region, target: "TrentService.ListKeys", body: "{}", contentType: "application/x-amz-json-1.1",
		id: kmstest.AccessKeyID, secret: kmstest.SecretAccessKey, at: time.Now().UTC(),
	}
}

// stsRequest returns a request of the STS API.
func stsRequest(body string) testRequest {
	req := rootRequest()
	req.service, req.target, req.body, req.contentType = "sts", "", body, "application/x-www-form-urlencoded"
	return req
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func hmacOf(k []byte, s string) []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(s))
	return h.Sum(nil)
}

// request returns the signed request.
func (req testRequest) request(t *testing.T, s *kmstest.Server) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), req.method, s.Endpoint+req.path, strings.NewReader(req.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": req.contentType, "X-Amz-Target": req.target, "X-Amz-Security-Token": req.token, "X-Amz-Date": req.at.Format("20060102T150405Z")} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	for name, values := range req.extra {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", req.authorization(r))
	if req.after != nil {
		req.after(r)
	}
	return r
}

// send signs and sends the request.
func (req testRequest) send(t *testing.T, s *kmstest.Server) answer {
	t.Helper()
	return do(t, req.request(t, s))
}

// authorization computes the header as described on the page "Create a signed AWS API request".
func (req testRequest) authorization(r *http.Request) string {
	values := map[string]string{"host": r.URL.Host}
	for name, v := range r.Header {
		values[strings.ToLower(name)] = strings.Join(v, ",")
	}
	var names []string
	var canonical strings.Builder
	for name := range values {
		if !slices.Contains(req.unsigned, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	for _, name := range names {
		fmt.Fprintf(&canonical, "%s:%s\n", name, values[name])
	}
	payload := req.payload
	if payload == "" {
		payload = digest(req.body)
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", strings.Join(names, ";"), payload)
	scope := req.at.Format("20060102") + "/" + req.region + "/" + req.service + "/aws4_request"
	k := []byte("AWS4" + req.secret)
	for part := range strings.SplitSeq(scope, "/") {
		k = hmacOf(k, part)
	}
	signature := hmacOf(k, "AWS4-HMAC-SHA256\n"+req.at.Format("20060102T150405Z")+"\n"+scope+"\n"+digest(canonical.String()))
	return fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x", req.id, scope, strings.Join(names, ";"), signature)
}

// afterSigning changes the request after it was signed.
func afterSigning(change func(r *http.Request)) func(*testRequest) {
	return func(req *testRequest) { req.after = change }
}

// addHeader adds a header after signing.
func addHeader(name, value string) func(*testRequest) {
	return afterSigning(func(r *http.Request) { r.Header[name] = append(r.Header[name], value) })
}

// addSignedHeader adds a header before signing.
func addSignedHeader(name string, values ...string) func(*testRequest) {
	return func(req *testRequest) { req.extra = http.Header{name: values} }
}

// setBody replaces the signed body.
func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
}

// Attacks on the verification of requests: each is a valid request with one change.
func TestAttacksOnRequests(t *testing.T) {
	s := kmstest.Start(t)
	attacks := []struct {
		name   string
		attack func(req *testRequest)
	}{
		{"no signature", afterSigning(func(r *http.Request) { r.Header.Del("Authorization") })},
		{"a signature of zeros", afterSigning(func(r *http.Request) {
			r.Header.Set("Authorization", regexp.MustCompile(`Signature=.*`).ReplaceAllString(r.Header.Get("Authorization"), "Signature="+strings.Repeat("0", 64)))
		})},
		{"a signature in capitals", afterSigning(func(r *http.Request) {
			before, after, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", before+"Signature="+strings.ToUpper(after))
		})},
		{"another algorithm", afterSigning(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "SHA256", "SHA1", 1))
		})},
		{"the asymmetric algorithm", afterSigning(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AWS4-HMAC", "AWS4-ECDSA-P256", 1))
		})},
		{"another secret", func(req *testRequest) { req.secret = "another" }},
		{"an empty secret", func(req *testRequest) { req.id, req.secret = "AKIANOBODY", "" }},
		{"the placeholder secret of unknown keys", func(req *testRequest) { req.id, req.secret = "AKIANOBODY", strings.Repeat("0", 40) }},
		{"replayed after five minutes", func(req *testRequest) { req.at = req.at.Add(-5*time.Minute - 2*time.Second) }},
		{"from the future", func(req *testRequest) { req.at = req.at.Add(5*time.Minute + 2*time.Second) }},
		{"a new date on an old signature", func(req *testRequest) {
			now := req.at.Format("20060102T150405Z")
			req.at = req.at.Add(-10 * time.Minute)
			req.after = func(r *http.Request) { r.Header.Set("X-Amz-Date", now) }
		}},
		{"a second date", addHeader("X-Amz-Date", "20260101T000000Z")},
		{"for another service", func(req *testRequest) { req.service = "sts" }},
		{"for another Region that does not exist", func(req *testRequest) { req.region = "nowhere" }},
		{"another terminator", afterSigning(func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "aws4_request", "aws5_request", 1))
		})},
		{"unsigned host", func(req *testRequest) { req.unsigned = []string{"host"} }},
		{"unsigned target", func(req *testRequest) { req.unsigned = []string{"x-amz-target"} }},
		{"unsigned date", func(req *testRequest) { req.unsigned = []string{"x-amz-date"} }},
		{"an unsigned content type that was changed", func(req *testRequest) {
			req.unsigned, req.after = []string{"content-type"}, func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
		}},
		{"another host", afterSigning(func(r *http.Request) { r.Host = "kms.us-east-1.amazonaws.com" })},
		{"another target", afterSigning(func(r *http.Request) { r.Header.Set("X-Amz-Target", "TrentService.CreateKey") })},
		{"a second target", addHeader("X-Amz-Target", "TrentService.CreateKey")},
		{"a second target in another case", addHeader("x-amz-target", "TrentService.CreateKey")},
		{"two targets that are signed", addSignedHeader("X-Amz-Target", "TrentService.ListKeys", "TrentService.CreateKey")},
		{"a second Authorization", addHeader("Authorization", "AWS4-HMAC-SHA256 Credential=x")},
		{"a second content type", addHeader("Content-Type", "text/plain")},
		{"an unsigned header of the service", addHeader("X-Amz-Meta", "1")},
		{"a signed header that is missing", afterSigning(func(r *http.Request) { r.Header.Del("X-Amz-Target") })},
		{"a header that hides behind spaces", addSignedHeader("X-Amz-Note", " a\u00a0b")},
		{"another body", afterSigning(func(r *http.Request) { setBody(r, `{"Limit":1}`) })},
		{"a longer body", afterSigning(func(r *http.Request) { setBody(r, "{} ") })},
		{"no body", afterSigning(func(r *http.Request) { setBody(r, "") })},
		{"an unsigned payload", func(req *testRequest) {
			req.payload, req.extra = "UNSIGNED-PAYLOAD", http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}}
		}},
		{"a payload in signed chunks", func(req *testRequest) {
			req.payload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
			req.extra = http.Header{"X-Amz-Content-Sha256": {req.payload}, "Content-Encoding": {"aws-chunked"}, "X-Amz-Decoded-Content-Length": {"2"}}
			req.body = "2;chunk-signature=" + strings.Repeat("0", 64) + "\r\n{}\r\n0;chunk-signature=" + strings.Repeat("0", 64) + "\r\n\r\n"
		}},
		{"a payload in unsigned chunks with a trailer", func(req *testRequest) {
			req.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
			req.extra = http.Header{"X-Amz-Content-Sha256": {req.payload}, "X-Amz-Trailer": {"x-amz-checksum-crc32"}}
			req.body = "2\r\n{}\r\n0\r\n\r\n"
		}},
		{"a body in chunks that was changed", afterSigning(func(r *http.Request) {
			setBody(r, `{"Limit":1}`)
			r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
		})},
		{"the digest of another body", addSignedHeader("X-Amz-Content-Sha256", digest("another"))},
		{"a query", func(req *testRequest) { req.path = "/?X-Amz-Target=TrentService.CreateKey" }},
		{"a query that was added", afterSigning(func(r *http.Request) { r.URL.RawQuery = "a=b" })},
		{"presigned", func(req *testRequest) {
			req.path = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + url.QueryEscape(req.id+"/x") + "&X-Amz-Signature=" + strings.Repeat("0", 64)
		}},
		{"presigned with a header too", afterSigning(func(r *http.Request) { r.URL.RawQuery = "X-Amz-Expires=604800&X-Amz-Signature=0" })},
		{"another path", func(req *testRequest) { req.path = "/x" }},
		{"a path with ..", func(req *testRequest) { req.path = "/x/.." }},
		{"a path with an escape", func(req *testRequest) { req.path = "/%2e" }},
		{"another method", func(req *testRequest) { req.method = "PUT" }},
		{"a method that was changed", afterSigning(func(r *http.Request) { r.Method = "PUT" })},
		{"a session token with a long-term access key", func(req *testRequest) { req.token = "AAAA" }},
		{"a session token that was added", addHeader("X-Amz-Security-Token", "AAAA")},
		{"an operation of the STS API", func(req *testRequest) { req.target = "AWSSecurityTokenServiceV20110615.GetCallerIdentity" }},
		{"a member twice", func(req *testRequest) { req.body = `{"Limit":1,"Limit":2}` }},
		{"a member in another case", func(req *testRequest) { req.target, req.body = "TrentService.DescribeKey", `{"keyid":"alias/a"}` }},
		{"a second body", func(req *testRequest) { req.body = `{}{}` }},
		{"a body that is a form", func(req *testRequest) {
			req.contentType, req.body = "application/x-www-form-urlencoded", "Action=GetCallerIdentity&Version=2011-06-15"
		}},
	}
	if a := rootRequest().send(t, s); a.status != 200 {
		t.Fatalf("the good request: %+v", a)
	}
	for _, m := range attacks {
		t.Run(m.name, func(t *testing.T) {
			req := rootRequest()
			m.attack(&req)
			if a := req.send(t, s); a.status == 200 || a.status >= 500 {
				t.Errorf("%+v", a)
			}
			if a := rootRequest().send(t, s); a.status != 200 { // the attack has no lasting effect
				t.Errorf("the good request: %+v", a)
			}
		})
	}
	t.Logf("%d attacks", len(attacks))
}

// Attacks with requests of the STS API, and by holders of sessions.
func TestAttacksOnSessions(t *testing.T) {
	s := startWithIdentities(t, newIssuer(t))
	const who = "Action=GetCallerIdentity&Version=2011-06-15"
	type session struct{ id, secret, token string }
	begin := func() session {
		out, err := stsClient(s, rootCredentials()).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
		if err != nil {
			t.Fatal(err)
		}
		return session{*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken}
	}
	mine, other := begin(), begin()
	with := func(req testRequest, k session) testRequest {
		req.id, req.secret, req.token = k.id, k.secret, k.token
		return req
	}
	foreign := kmstest.Start(t)
	theirs, err := stsClient(foreign, rootCredentials()).GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	attacks := []struct {
		name               string
		attack, legitimate testRequest
	}{
		{"a session without its token", with(rootRequest(), session{mine.id, mine.secret, ""}), with(rootRequest(), mine)},
		{"the token of another session", with(rootRequest(), session{mine.id, mine.secret, other.token}), with(rootRequest(), other)},
		{"the ID of another session", with(rootRequest(), session{other.id, mine.secret, mine.token}), with(rootRequest(), mine)},
		{"the secret of another session", with(rootRequest(), session{mine.id, other.secret, mine.token}), with(rootRequest(), mine)},
		{"the token with a long-term access key", with(rootRequest(), session{kmstest.AccessKeyID, kmstest.SecretAccessKey, mine.token}), rootRequest()},
		{"a session of another deployment", with(rootRequest(), session{*theirs.Credentials.AccessKeyId, *theirs.Credentials.SecretAccessKey, *theirs.Credentials.SessionToken}), with(rootRequest(), mine)},
		{"a token that is not signed", leaveTokenUnsigned(with(rootRequest(), mine)), with(rootRequest(), mine)},
		{"a session makes another", with(stsRequest("Action=GetSessionToken&Version=2011-06-15"), mine), stsRequest("Action=GetSessionToken&Version=2011-06-15")},
		{"a form signed for another service", change(stsRequest(who), func(req *testRequest) { req.service = "kms" }), stsRequest(who)},
		{"a form in another version", stsRequest("Action=GetCallerIdentity&Version=2010-05-08"), stsRequest(who)},
		{"a form without a version", stsRequest("Action=GetCallerIdentity"), stsRequest(who)},
		{"a form with two actions", stsRequest(who + "&Action=GetSessionToken"), stsRequest(who)},
		{"a form with an action of KMS", stsRequest("Action=ListKeys&Version=2014-11-01"), stsRequest(who)},
		{"a form with an action of administrators", stsRequest("Action=PutUser&Version=2011-06-15&Name=mallory"), stsRequest(who)},
		{"a form with a target", change(stsRequest(who), func(req *testRequest) { req.target = "TrentService.ListKeys" }), stsRequest(who)},
		{"a form whose action is in the query", change(stsRequest("Version=2011-06-15"), func(req *testRequest) { req.path = "/?Action=GetCallerIdentity" }), stsRequest(who)},
		{"a form that was changed on the way", change(stsRequest(who), func(req *testRequest) {
			req.after = func(r *http.Request) { setBody(r, strings.Replace(who, "GetCallerIdentity", "GetSessionToken", 1)) }
		}), stsRequest(who)},
		{"a form without a signature", change(stsRequest(who), func(req *testRequest) { req.after = func(r *http.Request) { r.Header.Del("Authorization") } }), stsRequest(who)},
		{"a form with a name in another case", stsRequest("action=GetCallerIdentity&Version=2011-06-15"), stsRequest(who)},
		{"the root assumes a role", stsRequest("Action=AssumeRole&Version=2011-06-15&RoleSessionName=build&RoleArn=arn:aws:iam::000000000000:role/deployer"),
			change(stsRequest("Action=AssumeRole&Version=2011-06-15&RoleSessionName=build&RoleArn=arn:aws:iam::000000000000:role/deployer"), func(req *testRequest) { req.id, req.secret = "AKIAALICE", "alice's secret" })},
	}
	for _, m := range attacks {
		t.Run(m.name, func(t *testing.T) {
			if a := m.attack.send(t, s); a.status == 200 || a.status >= 500 {
				t.Errorf("%+v", a)
			}
			if a := m.legitimate.send(t, s); a.status != 200 {
				t.Errorf("the legitimate request: %+v", a)
			}
		})
	}
	s.Advance(61 * time.Minute)
	if a := with(rootRequest(), mine).send(t, s); !strings.Contains(a.body, "ExpiredToken") {
		t.Errorf("a session that is over: %+v", a)
	}
	t.Logf("%d attacks", len(attacks)+1)
}

func change(req testRequest, fn func(*testRequest)) testRequest { fn(&req); return req }

func leaveTokenUnsigned(req testRequest) testRequest {
	req.unsigned = []string{"x-amz-security-token"}
	return req
}

// The server ignores headers about the origin of a request unless they come from a trusted forwarder.
func TestAttacksByHeaders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "seed.toml")
	statement := func(condition string) string {
		return `'''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"},{"Effect":"Deny","Action":"kms:ListKeys","Resource":"*","Condition":` + condition + `}]}'''`
	}
	text := ""
	for name, condition := range map[string]string{
		"via":    `{"StringNotEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}`,
		"source": `{"ArnNotEquals":{"aws:SourceArn":"arn:aws:s3:::bucket"}}`,
		"owner":  `{"StringNotEquals":{"aws:SourceAccount":"000000000000"}}`,
		"ip":     `{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`,
		"tls":    `{"Bool":{"aws:SecureTransport":"false"}}`,
		"vpc":    `{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}`,
		"free":   `{"StringEquals":{"aws:username":"nobody"}}`,
	} {
		text += "[[user]]\nname = \"" + name + "\"\n[[user.policy]]\nname = \"p\"\ndocument = " + statement(condition) + "\n[[user.access_key]]\nid = \"AKIA" + strings.ToUpper(name) + "\"\nsecret = \"secret\"\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := kmstest.Start(t, kmstest.Seed(file))
	as := func(name string, headers http.Header) testRequest {
		req := rootRequest()
		req.id, req.secret, req.extra = "AKIA"+strings.ToUpper(name), "secret", headers
		return req
	}
	attacks := []struct {
		name, who string
		headers   http.Header
	}{
		{"kms:ViaService in a header", "via", http.Header{"Kms-Viaservice": {"s3.us-east-1.amazonaws.com"}, "X-Amz-Via-Service": {"s3.us-east-1.amazonaws.com"}}},
		{"aws:SourceArn in a header", "source", http.Header{"X-Amz-Source-Arn": {"arn:aws:s3:::bucket"}, "Aws-Sourcearn": {"arn:aws:s3:::bucket"}}},
		{"aws:SourceAccount in a header", "owner", http.Header{"X-Amz-Source-Account": {"000000000000"}}},
		{"an address in X-Forwarded-For", "ip", http.Header{"X-Forwarded-For": {"192.0.2.1"}, "Forwarded": {"for=192.0.2.1"}, "X-Real-Ip": {"192.0.2.1"}, "True-Client-Ip": {"192.0.2.1"}}},
		{"TLS in X-Forwarded-Proto", "tls", http.Header{"X-Forwarded-Proto": {"https"}, "Forwarded": {"proto=https"}}},
		{"a network in a header", "vpc", http.Header{"X-Amz-Vpc-Id": {"vpc-1"}, "X-Amzn-Vpc-Id": {"vpc-1"}}},
	}
	for _, m := range attacks {
		t.Run(m.name, func(t *testing.T) {
			if a := as(m.who, m.headers).send(t, s); a.status != 400 || !strings.Contains(a.body, "AccessDenied") {
				t.Errorf("%+v", a)
			}
			if a := as("free", m.headers).send(t, s); a.status != 200 {
				t.Errorf("the legitimate request: %+v", a)
			}
		})
	}
	t.Logf("%d attacks", len(attacks))
}

// A forgery is a forged token.
type forgery struct {
	header, claims map[string]any
	sign           func(text string) []byte // nil signs with the issuer's key
}

// Attacks with tokens of OIDC providers.
func TestAttacksByWebIdentities(t *testing.T) {
	i, stranger := newIssuer(t), newIssuer(t)
	s := startWithIdentities(t, i)
	const app = "system:serviceaccount:prod:app"
	send := func(role, token string) error {
		_, err := stsClient(s, aws.AnonymousCredentials{}).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::" + role), RoleSessionName: aws.String("pod-1"), WebIdentityToken: &token,
		})
		return err
	}
	rs256 := func(by issuer) func(string) []byte { return by.rs256 }
	forge := func(change func(f *forgery)) string {
		f := forgery{
			header: map[string]any{"alg": "RS256", "kid": "1", "typ": "JWT"},
			claims: map[string]any{"iss": i.URL, "sub": app, "aud": "sts.amazonaws.com", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()},
			sign:   rs256(i),
		}
		if change != nil {
			change(&f)
		}
		encode := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return base64.RawURLEncoding.EncodeToString(b)
		}
		text := encode(f.header) + "." + encode(f.claims)
		return text + "." + base64.RawURLEncoding.EncodeToString(f.sign(text))
	}
	claim := func(name string, value any) func(f *forgery) { return func(f *forgery) { f.claims[name] = value } }
	public := publicPEM(t, i)
	good := forge(nil)
	attacks := []struct{ name, role, token string }{
		{"another audience", "000000000000:role/app", forge(claim("aud", "vault"))},
		{"no audience", "000000000000:role/app", forge(func(f *forgery) { delete(f.claims, "aud") })},
		{"an audience that begins like it", "000000000000:role/app", forge(claim("aud", "sts.amazonaws.com.evil.example"))},
		{"another subject", "000000000000:role/app", forge(claim("sub", "system:serviceaccount:prod:other"))},
		{"a subject in another case", "000000000000:role/app", forge(claim("sub", strings.ToUpper(app)))},
		{"no subject", "000000000000:role/app", forge(func(f *forgery) { delete(f.claims, "sub") })},
		{"an issuer that is not declared", "000000000000:role/app", forge(func(f *forgery) { f.claims["iss"], f.sign = stranger.URL, rs256(stranger) })},
		{"the issuer's name with a stranger's signature", "000000000000:role/app", forge(func(f *forgery) { f.sign = rs256(stranger) })},
		{"the issuer without TLS", "000000000000:role/app", forge(claim("iss", strings.Replace(i.URL, "https", "http", 1)))},
		{"the issuer with a path", "000000000000:role/app", forge(claim("iss", i.URL+"/"))},
		{"a token that has expired", "000000000000:role/app", forge(claim("exp", time.Now().Add(-10*time.Minute).Unix()))},
		{"a token that does not expire", "000000000000:role/app", forge(func(f *forgery) { delete(f.claims, "exp") })},
		{"a token that is not valid yet", "000000000000:role/app", forge(claim("nbf", time.Now().Add(20*time.Minute).Unix()))},
		{"a token from the future", "000000000000:role/app", forge(claim("iat", time.Now().Add(20*time.Minute).Unix()))},
		{"the algorithm none", "000000000000:role/app", forge(func(f *forgery) { f.header["alg"], f.sign = "none", func(string) []byte { return nil } })},
		{"the algorithm None", "000000000000:role/app", forge(func(f *forgery) { f.header["alg"], f.sign = "None", func(string) []byte { return nil } })},
		{"no algorithm", "000000000000:role/app", forge(func(f *forgery) { delete(f.header, "alg"); f.sign = func(string) []byte { return nil } })},
		{"the public key as the secret of HS256", "000000000000:role/app", forge(func(f *forgery) {
			f.header["alg"], f.sign = "HS256", func(text string) []byte { return hmacOf(public, text) }
		})},
		{"the modulus as the secret of HS256", "000000000000:role/app", forge(func(f *forgery) {
			f.header["alg"], f.sign = "HS256", func(text string) []byte { return hmacOf(i.key.N.Bytes(), text) }
		})},
		{"another algorithm of the same key", "000000000000:role/app", forge(func(f *forgery) { f.header["alg"] = "PS256" })},
		{"the key ID of another issuer", "000000000000:role/app", forge(func(f *forgery) { f.header["kid"], f.sign = "2", rs256(stranger) })},
		{"a key that the token brings along", "000000000000:role/app", forge(func(f *forgery) {
			f.header["jwk"], f.sign = jose.JSONWebKey{Key: stranger.key.Public(), KeyID: "1"}, rs256(stranger)
			delete(f.header, "kid")
		})},
		{"an address of keys that the token brings along", "000000000000:role/app", forge(func(f *forgery) { f.header["jku"], f.sign = stranger.URL+"/keys", rs256(stranger) })},
		{"a critical extension", "000000000000:role/app", forge(func(f *forgery) { f.header["crit"] = []string{"b64"}; f.header["b64"] = false })},
		{"other claims under the signature", "000000000000:role/app", swapClaims(good, forge(claim("sub", "admin")))},
		{"no signature", "000000000000:role/app", good[:strings.LastIndexByte(good, '.')+1]},
		{"a part more", "000000000000:role/app", good + ".x"},
		{"a role for users", "000000000000:role/deployer", good},
		{"a role of another account", "444455556666:role/app", good},
		{"a role that is missing", "000000000000:role/none", good},
	}
	for _, m := range attacks {
		t.Run(m.name, func(t *testing.T) {
			if err := send(m.role, m.token); err == nil {
				t.Error("it is accepted")
			}
			if err := send("000000000000:role/app", forge(nil)); err != nil {
				t.Errorf("the legitimate request: %v", err)
			}
		})
	}
	t.Logf("%d attacks", len(attacks))
}

// rs256 signs with the key of the issuer.
func (i issuer) rs256(text string) []byte {
	i.Helper()
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, i.key, crypto.SHA256, sum[:])
	if err != nil {
		i.Fatal(err)
	}
	return signature
}

// publicPEM returns the public key of an issuer in PEM.
func publicPEM(t *testing.T, i issuer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(i.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// swapClaims returns the first token with the claims of the second.
func swapClaims(token, claims string) string {
	a, b := strings.Split(token, "."), strings.Split(claims, ".")
	return a[0] + "." + b[1] + "." + a[2]
}

// A caller without permissions gets equal errors, byte for byte, for existing and missing keys.
func TestErrorsHideKeys(t *testing.T) {
	s := startWithIdentities(t, newIssuer(t))
	out, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	there, missing := *out.KeyMetadata.KeyId, "00000000-0000-4000-8000-000000000000"
	for _, operation := range []string{"DescribeKey", "Encrypt", "GetKeyPolicy", "ScheduleKeyDeletion", "CreateGrant", "ListGrants", "Sign", "GetPublicKey", "TagResource"} {
		ask := func(id string) answer {
			req := rootRequest()
			req.id, req.secret, req.target = "AKIAALICE", "alice's secret", "TrentService."+operation
			req.body = `{"KeyId":"` + id + `","Plaintext":"aGVsbG8=","Message":"aGVsbG8=","SigningAlgorithm":"ECDSA_SHA_256","GranteePrincipal":"arn:aws:iam::000000000000:root","Operations":["Decrypt"],"Tags":[]}`
			req.body = members(operation, req.body)
			return req.send(t, s)
		}
		a, b := ask(there), ask(missing)
		for _, h := range []string{"X-Amzn-Requestid", "Date"} {
			a.header.Del(h)
			b.header.Del(h)
		}
		if strings.ReplaceAll(a.body, there, missing) != b.body || a.status != b.status || fmt.Sprint(a.header) != fmt.Sprint(b.header) || !strings.Contains(a.body, "AccessDenied") {
			t.Errorf("%s: %+v\n%+v", operation, a, b)
		}
	}
}

// members returns the members of body that the operation has.
func members(operation, body string) string {
	has := map[string]string{"Encrypt": "KeyId Plaintext", "Sign": "KeyId Message SigningAlgorithm", "CreateGrant": "KeyId GranteePrincipal Operations", "TagResource": "KeyId Tags"}[operation]
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &all); err != nil {
		panic(err)
	}
	for name := range all {
		if !slices.Contains(strings.Fields(has+" KeyId"), name) {
			delete(all, name)
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(b)
}
