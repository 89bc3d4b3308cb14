package sigv4

import (
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
)

// Examine returns the text that the signer signed.
func TestExamine(t *testing.T) {
	r := signedRequest(t, signer{}, body)
	x := Examine(toRequest(r), []byte(body))
	want := Examination{
		Target: "TrentService.DescribeKey", AccessKeyID: exampleID, Scope: "20260101/eu-west-2/kms/aws4_request", Date: "20260101T001000Z",
		Payload: sha256Hex(body),
	}
	if x.Target != want.Target || x.AccessKeyID != want.AccessKeyID || x.Scope != want.Scope || x.Date != want.Date || x.Payload != want.Payload || x.Declared != "" {
		t.Errorf("got %+v", x)
	}
	if got := strings.Join(x.SignedHeaders, ";"); got != "content-length;content-type;host;x-amz-date;x-amz-target" {
		t.Errorf("signed headers %q", got)
	}
	canonical := "POST\n/\n\ncontent-length:25\ncontent-type:application/x-amz-json-1.1\nhost:kms.example.com\nx-amz-date:20260101T001000Z\n" +
		"x-amz-target:TrentService.DescribeKey\n\n" + strings.Join(x.SignedHeaders, ";") + "\n" + sha256Hex(body)
	if x.CanonicalRequest != canonical {
		t.Errorf("got  %q\nwant %q", x.CanonicalRequest, canonical)
	}
	if want := "AWS4-HMAC-SHA256\n20260101T001000Z\n" + x.Scope + "\n" + sha256Hex(canonical); x.StringToSign != want {
		t.Errorf("got  %q\nwant %q", x.StringToSign, want)
	}
	signed := mac(derivation{exampleSecret, "20260101", region, "kms"}.signingKey(), x.StringToSign)
	if _, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature="); !strings.Contains(signature, hex.EncodeToString(signed)) {
		t.Error("the signature of the SDK does not match the examined text")
	}
}

// Examine returns every member that it can find in a malformed request.
func TestExamineMalformed(t *testing.T) {
	for _, c := range []struct {
		name         string
		after        change
		id, date     bool // present in the examination
		hasCanonical bool
	}{
		{"a changed body", func(r *http.Request) {}, true, true, true},
		{"no Authorization", del("Authorization"), false, false, false},
		{"Basic", set("Authorization", "Basic dGVzdDp0ZXN0"), false, false, false},
		{"no date", del("X-Amz-Date"), true, false, false},
		{"a path", func(r *http.Request) { r.URL.Path = "/x" }, true, true, false},
		{"a signed header absent", authorize(";host;", ";host;my-note;"), true, true, false},
		{"scope of another service", authorize("/kms/", "/s3/"), true, true, true},
		{"the longest access key ID", authorize(exampleID, strings.Repeat("A", 128)), true, true, true},
		{"a longer access key ID", authorize(exampleID, strings.Repeat("A", 129)), false, false, false},
		{"an access key ID like a secret", authorize(exampleID, strings.Repeat("s", 40)), true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := signedRequest(t, signer{}, body)
			c.after(r)
			x := Examine(toRequest(r), []byte("another body"))
			if (x.AccessKeyID != "") != c.id || (x.Date != "") != c.date || (x.CanonicalRequest != "") != c.hasCanonical || (x.StringToSign != "") != c.hasCanonical {
				t.Errorf("%+v", x)
			}
			if x.Payload != sha256Hex("another body") {
				t.Errorf("the payload has the hash %s", x.Payload)
			}
			if strings.Contains(x.AccessKeyID, "sss") {
				t.Error("a possible secret is shown")
			}
		})
	}
}

// Examine hides values that may be credentials. The hash in the string to sign covers the real values.
func TestExamineHidesCredentials(t *testing.T) {
	const token = "FwoGZXIvYXdzEXAMPLE"
	r := unsignedRequest(body)
	r.Header.Set("Cookie", "session="+token)
	signer{token: token}.sign(t, r, body)
	x := Examine(toRequest(r), []byte(body))
	if !strings.Contains(x.CanonicalRequest, "\nx-amz-security-token:[redacted]\n") || !strings.Contains(x.CanonicalRequest, "\ncookie:[redacted]\n") {
		t.Errorf("got %q", x.CanonicalRequest)
	}
	if strings.Contains(x.CanonicalRequest+x.StringToSign, token) {
		t.Error("the token is shown")
	}
	whole := strings.Replace(x.CanonicalRequest, "cookie:[redacted]", "cookie:session="+token, 1)
	whole = strings.Replace(whole, "token:[redacted]", "token:"+token, 1)
	if !strings.HasSuffix(x.StringToSign, "\n"+sha256Hex(whole)) {
		t.Error("the string to sign does not cover the real headers")
	}
	for name, hidden := range map[string]bool{
		"x-amz-security-token": true, "Authorization": true, "proxy-authorization": true, "cookie": true, "x-api-key": true, "x-amz-date": false, "host": false, "user-agent": false,
	} {
		if got := RedactHeader(name, "value"); (got == redacted) != hidden {
			t.Errorf("%s is shown as %q", name, got)
		}
	}
}

// Responses cannot contain bytes that are not UTF-8, so Examine replaces them.
func TestExamineInvalidUTF8(t *testing.T) {
	r := signedRequest(t, signer{}, body)
	r.Header.Set("X-Amz-Target", "Trent\xff")
	if x := Examine(toRequest(r), []byte(body)); !strings.Contains(x.CanonicalRequest, "x-amz-target:Trent\uFFFD\n") || x.Target != "Trent\uFFFD" {
		t.Errorf("%+v", x)
	}
}

// An access key ID with the length of a secret access key is not shown.
func TestRedactID(t *testing.T) {
	for length, hidden := range map[int]bool{20: false, 39: false, 40: true, 41: false, 128: false} {
		id := strings.Repeat("A", length)
		if got := redactID(id); got != id != hidden || hidden && got != "[redacted]" {
			t.Errorf("%d characters: %s", length, got)
		}
	}
}
