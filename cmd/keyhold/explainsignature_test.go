package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go/logging"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/kmstest"
)

// signingLog returns the log of the official SDK for a request that the server refuses.
func signingLog(t *testing.T, s *kmstest.Server, sessionToken string) string {
	t.Helper()
	var log bytes.Buffer
	c := kms.New(kms.Options{
		BaseEndpoint: &s.Endpoint, Region: kmstest.Region, RetryMaxAttempts: 1, HTTPClient: s.Client.Options().HTTPClient,
		Credentials:   credentials.NewStaticCredentialsProvider(kmstest.AccessKeyID, "wrong", sessionToken),
		ClientLogMode: aws.LogSigning, Logger: logging.NewStandardLogger(&log),
	})
	if _, err := c.ListKeys(t.Context(), &kms.ListKeysInput{}); err == nil {
		t.Fatal("the server accepted the request")
	}
	return log.String()
}

// TestLogOfTheSDK compares a log of the SDK with the server's report on the same request.
func TestLogOfTheSDK(t *testing.T) {
	s := kmstest.Start(t)
	clearAWS(t)
	t.Setenv("AWS_ACCESS_KEY_ID", kmstest.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", kmstest.SecretAccessKey)
	explain := func(log string) string {
		t.Helper()
		var out bytes.Buffer
		client := clientOptions{endpoint: s.Endpoint, own: true}
		o := signatureOptions{client: "-", output: output{formText, &out}}
		if err := explainSignature(t.Context(), client, o, strings.NewReader(log), printer{io.Discard}); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	log := signingLog(t, s, "")
	for name, log := range map[string]string{
		"as it is":   log,
		"on a line":  `{"message":"` + strings.ReplaceAll(log, "\n", `\n`) + `"}`,
		"with CR LF": strings.ReplaceAll(log, "\n", "\r\n"),
	} {
		if got := explain(log); !strings.Contains(got, "Both sides signed the same text") || strings.Contains(got, "\n>") {
			t.Errorf("%s:\n%s", name, got)
		}
	}
	altered := strings.Replace(log, "host:", "host:www.", 1)
	if got := explain(altered); !strings.Contains(got, "\n>> host ") || !strings.Contains(got, "The first difference is host.") {
		t.Errorf("another host:\n%s", got)
	}
	const token = "FwoGZXIvYXdzEXAMPLE"
	if got := explain(signingLog(t, s, token)); strings.Contains(got, token) || !strings.Contains(got, "[redacted]") {
		t.Errorf("with a session token:\n%s", got)
	}
}

// loggedRequest is a request in the log format of version 1 of the SDK for Java.
const loggedRequest = `DEBUG AWS4Signer - AWS4 Canonical Request: '"POST
/

host:127.0.0.1:4599
x-amz-date:%[1]s

host;x-amz-date
44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
DEBUG AWS4Signer - AWS4 String to Sign: '"AWS4-HMAC-SHA256
%[1]s
20260101/us-east-1/kms/aws4_request
%[2]s"
`

func TestFindSigned(t *testing.T) {
	// The hash is the hash of another text.
	first := fmt.Sprintf(loggedRequest, "20260101T000000Z", "5d8f8d3ad2a1e0ea72cf0a9d1be3c3a0a8b0d4be38cb0c1d9f7fa50d4cd0dc1f")
	second := fmt.Sprintf(loggedRequest, "20260101T000001Z", "5d8f8d3ad2a1e0ea72cf0a9d1be3c3a0a8b0d4be38cb0c1d9f7fa50d4cd0dc1f")
	for date, want := range map[string]string{
		"20260101T000000Z": "20260101T000000Z", "20260101T000001Z": "20260101T000001Z", "20260101T000009Z": "20260101T000001Z",
	} {
		got, ok := findSigned(first+second, date)
		if !ok || got.canonical.header("x-amz-date") != want || got.canonical.method != "POST" || len(got.canonical.payload) != 64 {
			t.Errorf("at %s: %+v, %v", date, got, ok)
		}
		if got.toSign != nil {
			t.Error("a string to sign with the hash of another text was accepted")
		}
	}
	for name, log := range map[string]string{
		"nothing":               "",
		"no request":            "POST\n/\n",
		"cut off":               first[:strings.Index(first, "host;x-amz")],
		"other signed headers":  strings.Replace(first, "host;x-amz-date", "host", 1),
		"no path":               strings.Replace(first, "\n/\n", "\nindex\n", 1),
		"no hash":               strings.Replace(first, "44136f", "44136x", 1),
		"a header without name": strings.Replace(first, "host:127", "127", 1),
	} {
		if got, ok := findSigned(log, ""); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// refusedFor returns the report on a request that is only wrong in its signature.
func refusedFor(code, message string) signatureReport {
	return signatureReport{ExplainSignatureResponse: api.ExplainSignatureResponse{
		RequestId: new("r"), RefusedAt: api.NewTimestamp(time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC)),
		ErrorCode: &code, ErrorMessage: &message, Target: new("TrentService.ListKeys"), AccessKeyId: new("test"), CredentialScope: new("scope"),
		Date: new("20260101T000000Z"), SignedHeaders: []string{"host"}, DeclaredPayloadHash: new(""), PayloadHash: new("p"),
		CanonicalRequest: new("c"), StringToSign: new("s"),
	}}
}

func TestHints(t *testing.T) {
	mismatch := refusedFor("InvalidSignatureException", saysMismatch+" …")
	with := func(e signatureReport, change func(*signatureReport)) signatureReport {
		change(&e)
		return e
	}
	row := func(name, client, server string) signedRow { return signedRow{name, &client, &server} }
	for _, c := range []struct {
		name string
		e    signatureReport
		want string
	}{
		{"unknown key", refusedFor("UnrecognizedClientException", "x"), `does not know the access key ID "test"`},
		{"session token", with(refusedFor("UnrecognizedClientException", "x"), func(e *signatureReport) { e.SignedHeaders = []string{"host", "x-amz-security-token"} }), "unset AWS_SESSION_TOKEN"},
		{"a secret for an ID", with(refusedFor("UnrecognizedClientException", "x"), func(e *signatureReport) { e.AccessKeyId = new("[redacted]") }), "check that the two are not swapped"},
		{"expired", refusedFor("InvalidSignatureException", saysExpired+": …"), "10m0s before it arrived"},
		{"early", with(refusedFor("InvalidSignatureException", saysEarly+": …"), func(e *signatureReport) { e.Date = new("20260101T001700Z") }), "7m0s after it arrived"},
		{"another body", with(mismatch, func(e *signatureReport) { e.DeclaredPayloadHash = new(strings.Repeat("0", 64)) }), "The server received another body than the client signed"},
		{"malformed", refusedFor("IncompleteSignatureException", "x"), "The message describes the fault"},
		{"no log", mismatch, "--client FILE"},
		{"the same", with(mismatch, func(e *signatureReport) { e.rows, e.same = []signedRow{row("host", "a", "a")}, true }), "Both sides signed the same text"},
		{"another host", with(mismatch, func(e *signatureReport) { e.rows = []signedRow{row("method", "a", "a"), row("host", "a", "b")} }), "first difference is host. host: something between"},
		{"a header more", with(mismatch, func(e *signatureReport) { e.rows = []signedRow{{"my-note", new("a"), nil}} }), "first difference is my-note."},
		{"what is hidden", with(mismatch, func(e *signatureReport) {
			e.rows = []signedRow{row("x-amz-security-token", "[redacted]", "[redacted]"), row("(hash of these)", "a", "b")}
		}), "the value of a hidden header differs"},
	} {
		if got := strings.Join(c.e.hints(), " "); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	// Each piece of advice is about a row that exists.
	for line := range strings.Lines(strings.TrimSpace(advices)) {
		if name, advice, ok := strings.Cut(strings.TrimSpace(line), " | "); !ok || adviceOn(name) != name+": "+advice {
			t.Errorf("no advice: %s", line)
		}
	}
}

// TestHintsKnowTheWords checks that the server uses the words by which hints are chosen.
func TestHintsKnowTheWords(t *testing.T) {
	s := kmstest.Start(t)
	for words, at := range map[string]time.Time{saysMismatch: time.Now(), saysExpired: time.Now().Add(-time.Hour), saysEarly: time.Now().Add(time.Hour)} {
		if got := refusalAt(t, s.Endpoint, at); !strings.Contains(got, words) {
			t.Errorf("the server says %s", got)
		}
	}
}

// refusalAt returns the response to a request that was signed with a wrong secret.
func refusalAt(t *testing.T, endpoint string, at time.Time) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	const ofNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	wrong := aws.Credentials{AccessKeyID: kmstest.AccessKeyID, SecretAccessKey: "wrong"}
	if err := v4.NewSigner().SignHTTP(t.Context(), wrong, r, ofNothing, "kms", kmstest.Region, at); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPrintRows(t *testing.T) {
	out := new(page)
	printRows(out, []signedRow{
		{"method", new("POST"), new("POST")},
		{"host", new("a"), new("b")},
		{"my-note", nil, new(strings.Repeat("x", cellWidth+1))},
	})
	const want = `            CLIENT                                        SERVER
   method   POST                                          POST
>> host     a                                             b
>  my-note  (absent)                                      xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
                                                          x
`
	if out.b.String() != want {
		t.Errorf("got\n%swant\n%s", out.b.String(), want)
	}
}
