package sigv4

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

// A botocoreRequest is a request for testdata/botocore_sign.py to sign.
type botocoreRequest struct {
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
}

// Verify accepts requests that the Python SDK signs and sends to a server with fasthttp.
func TestBotocoreSignatures(t *testing.T) {
	cfg := config()
	cfg.Now = time.Now // botocore signs at wall time
	url, results := serve(t, NewVerifier(cfg))
	cases := []struct {
		name, body string
		headers    map[string]string
	}{
		{"plain", body, nil},
		{"empty object", "{}", nil},
		{"no body", "", nil},
		{"unicode body", `{"Description":"Ключ – 鍵 🔑"}`, nil},
		{"odd spaces", body, map[string]string{"X-Amz-Note": "   a   b  c ", "My-Note": `two  "quoted   words"`}},
		{"empty value", body, map[string]string{"X-Amz-Note": ""}},
		{"Date for X-Amz-Date", body, map[string]string{"Date": "to be replaced"}},
		{"payload hash as a header", body, map[string]string{"X-Amz-Content-SHA256": sha256Hex(body)}},
		{"usual headers", body, map[string]string{"User-Agent": "Botocore/1", "Expect": "", "amz-sdk-request": "attempt=1", "Accept-Encoding": "identity"}},
	}
	var requests []botocoreRequest
	for _, c := range cases {
		r := botocoreRequest{url + "/", map[string]string{
			"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.DescribeKey",
		}, []byte(c.body)}
		for name, value := range c.headers {
			r.Headers[name] = value
		}
		requests = append(requests, r)
	}
	for i, headers := range botocoreSign(t, requests) {
		c := cases[i]
		t.Run(c.name, func(t *testing.T) {
			sent := func(body string) result {
				r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				for name, value := range headers {
					r.Header.Set(name, value)
				}
				return send(t, results, r)
			}
			if got := sent(c.body); got.err != nil || got.caller.Principal.AccessKeyID != exampleID || got.caller.Region != region {
				t.Errorf("%+v", got)
			}
			if c.headers["X-Amz-Content-SHA256"] == "" {
				wantRefusal(t, sent(c.body+" ").err, key.KindInvalidSignature, mismatch)
			}
		})
	}
}

// botocoreSign returns the headers of the signed requests, in order.
func botocoreSign(t *testing.T, requests []botocoreRequest) (signed []map[string]string) {
	t.Helper()
	job, err := json.Marshal(map[string]any{"id": exampleID, "secret": exampleSecret, "region": region, "requests": requests})
	if err != nil {
		t.Fatal(err)
	}
	python := cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3")
	script := exec.CommandContext(t.Context(), python, "testdata/botocore_sign.py")
	script.Stdin = bytes.NewReader(job)
	var stderr bytes.Buffer
	script.Stderr = &stderr
	out, err := script.Output()
	if err != nil {
		t.Fatalf("%s did not sign with botocore (%v): run `make deps` to install it, or set KEYHOLD_PYTHON to an interpreter that has it.\n%s", python, err, stderr.Bytes())
	}
	if err := json.Unmarshal(out, &signed); err != nil || len(signed) != len(requests) {
		t.Fatalf("%d of %d requests signed: %v", len(signed), len(requests), err)
	}
	return signed
}
