package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/kmstest"
)

// An answer is the response to a raw request.
type answer struct {
	status int
	header http.Header
	body   string
}

// send signs and sends a request. change, if not nil, is applied before signing.
func send(t *testing.T, s *kmstest.Server, target, body string, change func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	if change != nil {
		change(r)
	}
	hash := sha256.Sum256([]byte(body))
	c := aws.Credentials{AccessKeyID: kmstest.AccessKeyID, SecretAccessKey: kmstest.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(hash[:]), "kms", kmstest.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) answer {
	t.Helper()
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(body)}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// wantHeaders checks the headers that every answer has.
func wantHeaders(t *testing.T, a answer) {
	t.Helper()
	if id := a.header.Get("X-Amzn-Requestid"); !uuidForm.MatchString(id) {
		t.Errorf("request ID %q", id)
	}
	if _, err := http.ParseTime(a.header.Get("Date")); err != nil {
		t.Errorf("Date: %v", err)
	}
	if got := a.header.Get("Content-Type"); got != "application/x-amz-json-1.1" {
		t.Errorf("Content-Type %q", got)
	}
}

func wantRefusal(t *testing.T, a answer, name, message string) {
	t.Helper()
	wantHeaders(t, a)
	want := `{"__type":"` + name + `","message":"` + message + `"}`
	if a.status != 400 || a.body != want || a.header.Get("X-Amzn-Errortype") != name {
		t.Errorf("got %d %q %s\nwant 400 %s", a.status, a.header.Get("X-Amzn-Errortype"), a.body, want)
	}
}

func TestSuccess(t *testing.T) {
	s := kmstest.Start(t)
	a := send(t, s, "TrentService.ListKeys", "{}", nil)
	wantHeaders(t, a)
	if a.status != 200 || a.body != `{"Keys":[],"Truncated":false}` {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if b := send(t, s, "TrentService.ListKeys", "{}", nil); b.header.Get("X-Amzn-Requestid") == a.header.Get("X-Amzn-Requestid") {
		t.Error("two answers have one request ID")
	}
}

func TestEmptyResponses(t *testing.T) {
	s := kmstest.Start(t)
	created := send(t, s, "TrentService.CreateKey", "{}", nil)
	id := regexp.MustCompile(`"KeyId":"([^"]+)"`).FindStringSubmatch(created.body)
	if id == nil {
		t.Fatal(created.body)
	}
	a := send(t, s, "TrentService.DisableKey", `{"KeyId":"`+id[1]+`"}`, nil)
	wantHeaders(t, a)
	if a.status != 200 || a.body != "" {
		t.Errorf("got %d %q, want 200 and an empty body", a.status, a.body)
	}
}

func TestTargets(t *testing.T) {
	s := kmstest.Start(t)
	const unknown = "The request names no operation of this service."
	for _, c := range []struct {
		target, name, message string
		change                func(*http.Request)
	}{
		{"TrentService.ConnectCustomKeyStore", "UnsupportedOperationException", "ConnectCustomKeyStore is not supported.", nil},
		{"TrentService.Foo", "UnknownOperationException", unknown, nil},
		{"TrentService.listKeys", "UnknownOperationException", unknown, nil},
		{"TrentService.ListKeys ", "", "", nil}, // HTTP trims the value
		{"TrentService.", "UnknownOperationException", unknown, nil},
		{"ListKeys", "UnknownOperationException", unknown, nil},
		{"", "UnknownOperationException", unknown, nil},
		{"DynamoDB_20120810.ListKeys", "UnknownOperationException", unknown, nil},
		{"KeyholdDev.ListKeys", "UnknownOperationException", unknown, nil},
		{"TrentService.MoveClock", "UnknownOperationException", unknown, nil},
		{"TrentService.ListKeys", "UnknownOperationException", unknown, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }},
		{"TrentService.ListKeys", "UnknownOperationException", unknown, func(r *http.Request) { r.Header.Set("Content-Type", "application/cbor") }},
		{"TrentService.ListKeys", "UnknownOperationException", unknown, func(r *http.Request) { r.Header.Del("Content-Type") }},
		{"TrentService.ListKeys", "UnknownOperationException", unknown, func(r *http.Request) { r.Method = http.MethodPut }},
		{"TrentService.ListKeys", "", "", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-amz-json-1.1; charset=utf-8") }},
	} {
		t.Run(c.target, func(t *testing.T) {
			a := send(t, s, c.target, "{}", c.change)
			if c.name != "" {
				wantRefusal(t, a, c.name, c.message)
			} else if a.status != 200 {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
}

func TestBodies(t *testing.T) {
	s := kmstest.Start(t)
	large := `{"Description":"` + strings.Repeat("x", 128<<10) + `"}`
	for _, c := range []struct{ name, body, errorName string }{
		{"empty", ``, "SerializationException"},
		{"not an object", `[]`, "SerializationException"},
		{"broken", `{"KeyId":`, "SerializationException"},
		{"trailing data", `{} {}`, "SerializationException"},
		{"a member twice", `{"KeyId":"a","KeyId":"b"}`, "SerializationException"},
		{"invalid UTF-8", "{\"KeyId\":\"\xff\"}", "SerializationException"},
		{"a number for a string", `{"KeyId":1}`, "SerializationException"},
		{"larger than 128 KiB", large, "SerializationException"},
		{"another case", `{"keyid":"a"}`, "ValidationException"}, // an unknown member, so KeyId is missing
		{"an unknown member", `{"Foo":1,"KeyId":"x"}`, "NotFoundException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := send(t, s, "TrentService.DescribeKey", c.body, nil)
			wantHeaders(t, a)
			if a.status != 400 || a.header.Get("X-Amzn-Errortype") != c.errorName {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
	a := send(t, s, "TrentService.DescribeKey", `{}`, nil)
	wantRefusal(t, a, "ValidationException", "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null")
}

func TestUnsigned(t *testing.T) {
	s := kmstest.Start(t)
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Endpoint+"/", nil)
	wantRefusal(t, do(t, r), "MissingAuthenticationTokenException", "Missing Authentication Token")

	// For an altered body, the signature is checked before the target and the JSON.
	r, _ = http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint+"/", bytes.NewReader([]byte("{")))
	r.Header.Set("X-Amz-Target", "Nothing.Such")
	hash := sha256.Sum256([]byte("{}"))
	c := aws.Credentials{AccessKeyID: kmstest.AccessKeyID, SecretAccessKey: kmstest.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(hash[:]), "kms", kmstest.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	a := do(t, r)
	if got := a.header.Get("X-Amzn-Errortype"); got != "InvalidSignatureException" {
		t.Errorf("got %s", a.body)
	}
}

// The table of statuses has exactly one row for each Kind.
func TestErrorTable(t *testing.T) {
	kinds := regexp.MustCompile(`Kind\w+ +Kind = "(\w+)"`)
	source, err := os.ReadFile("../key/errors.go")
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("errors.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^(\w+Exception) +(\d{3})$`).FindAllStringSubmatch(string(table), -1)
	status := map[string]string{}
	for _, l := range lines {
		status[l[1]] = l[2]
	}
	delete(status, "KMSInternalException") // not a Kind of package key
	found := kinds.FindAllStringSubmatch(string(source), -1)
	if len(found) == 0 {
		t.Fatal("no Kinds found")
	}
	for _, k := range found {
		onlySTS := !strings.HasSuffix(k[1], "Exception") && sts.FaultOf(k[1]).Status < 500
		if status[k[1]] == "" && !onlySTS {
			t.Errorf("no status for %s", k[1])
		}
		delete(status, k[1])
	}
	for name := range status {
		t.Errorf("a status for %s, which is not a Kind", name)
	}
}
