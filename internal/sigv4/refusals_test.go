package sigv4

import (
	"context"
	"errors"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

const (
	mismatch     = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	unknownKey   = "The security token included in the request is invalid."
	badList      = "SignedHeaders must be header names in lower case, in alphabetical order, each once, separated by ';'."
	badCred      = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."
	badID        = "The access key ID in Credential must be 1 to 128 letters, digits and underscores."
	badSignature = "Signature must be 64 lower-case hexadecimal digits."
	noDate       = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
	badAmzDate   = "Date must be in ISO-8601 'basic format' in the 'X-Amz-Date' header, e.g. 20260101T000000Z."
	badDate      = "Date must be in ISO-8601 'basic format' in the 'Date' header, e.g. 20260101T000000Z."
	badTarget    = "The request must be for the path '/' without a query string."
	presignedURL = "Presigned requests are not supported: sign with the 'Authorization' header."
	other        = "The Authorization header holds something other than 'Credential', 'SignedHeaders' and 'Signature'."
	badAlgorithm = "Unsupported AWS 'algorithm': the Authorization header must begin with 'AWS4-HMAC-SHA256'."
	badRegion    = "Credential should be scoped to a valid region."
)

// A change changes a valid request.
type change func(*http.Request)

func set(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }
func add(name, value string) change { return func(r *http.Request) { r.Header.Add(name, value) } }
func del(name string) change        { return func(r *http.Request) { r.Header.Del(name) } }

// authorize replaces a part of the Authorization header. It panics if the part is missing.
func authorize(old, replacement string) change {
	return func(r *http.Request) {
		value := r.Header.Get("Authorization")
		if !strings.Contains(value, old) {
			panic("no " + old + " in " + value)
		}
		r.Header.Set("Authorization", strings.Replace(value, old, replacement, 1))
	}
}

// cut removes a part of the Authorization header, from one text up to another.
func cut(from, to string) change {
	return func(r *http.Request) {
		before, rest, _ := strings.Cut(r.Header.Get("Authorization"), from)
		_, after, _ := strings.Cut(rest, to)
		r.Header.Set("Authorization", before+after)
	}
}

func setTarget(url string) change {
	return func(r *http.Request) { r.URL, _ = r.URL.Parse(url) }
}

func signedAt(offset time.Duration) signer { return signer{at: wallTime().Add(offset)} }

func TestRefusals(t *testing.T) {
	cases := []struct {
		name          string
		signer        signer
		before, after change // made before and after signing
		kind          key.Kind
		message       string
	}{
		// presence
		{"no Authorization", signer{}, nil, del("Authorization"), key.KindMissingAuthenticationToken, "Missing Authentication Token"},
		{"empty Authorization", signer{}, nil, set("Authorization", ""), key.KindMissingAuthenticationToken, "Missing Authentication Token"},
		{"presigned", signer{}, nil, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"
		}, key.KindIncompleteSignature, presignedURL},
		{"presigned and signed", signer{}, nil, setTarget("/?x-amz-signature=00"), key.KindIncompleteSignature, presignedURL},
		{"missing before target", signer{}, nil, func(r *http.Request) { r.Header.Del("Authorization"); r.URL.Path = "/x" },
			key.KindMissingAuthenticationToken, "Missing Authentication Token"},

		// form
		{"Authorization twice", signer{}, nil, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) },
			key.KindIncompleteSignature, "The request has more than one 'Authorization' header."},
		{"Basic", signer{}, nil, set("Authorization", "Basic dGVzdDp0ZXN0"), key.KindIncompleteSignature, badAlgorithm},
		{"ECDSA", signer{}, nil, authorize("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), key.KindIncompleteSignature, badAlgorithm},
		{"lower-case algorithm", signer{}, nil, authorize("AWS4-HMAC-SHA256", "aws4-hmac-sha256"), key.KindIncompleteSignature, badAlgorithm},
		{"algorithm alone", signer{}, nil, set("Authorization", "AWS4-HMAC-SHA256"), key.KindIncompleteSignature,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		{"no Credential", signer{}, nil, cut("Credential=", ", "), key.KindIncompleteSignature, "Authorization header requires 'Credential' parameter."},
		{"no SignedHeaders", signer{}, nil, cut("SignedHeaders=", ", "), key.KindIncompleteSignature, "Authorization header requires 'SignedHeaders' parameter."},
		{"no Signature", signer{}, nil, cut(", Signature=", "!"), key.KindIncompleteSignature, "Authorization header requires 'Signature' parameter."},
		{"Signature alone and empty", signer{}, nil, set("Authorization", "AWS4-HMAC-SHA256 Signature="), key.KindIncompleteSignature, "Authorization header requires 'Signature' parameter."},
		{"Credential twice", signer{}, nil, authorize("Credential=", "Credential=a/20260101/eu-west-2/kms/aws4_request, Credential="),
			key.KindIncompleteSignature, "The Authorization header has the 'Credential' parameter more than once."},
		{"SignedHeaders twice", signer{}, nil, authorize("Signature=", "SignedHeaders=host, Signature="),
			key.KindIncompleteSignature, "The Authorization header has the 'SignedHeaders' parameter more than once."},
		{"Signature twice", signer{}, nil, authorize("Signature=", "Signature=00, Signature="),
			key.KindIncompleteSignature, "The Authorization header has the 'Signature' parameter more than once."},
		{"unknown parameter", signer{}, nil, authorize("Signature=", "Extra=1, Signature="), key.KindIncompleteSignature, other},
		{"parameter in lower case", signer{}, nil, authorize("Credential", "credential"), key.KindIncompleteSignature, other},
		{"trailing comma", signer{}, nil, authorize("Signature=", ", Signature="), key.KindIncompleteSignature, other},
		{"Credential of four", signer{}, nil, authorize("/aws4_request", ""), key.KindIncompleteSignature, badCred},
		{"Credential of six", signer{}, nil, authorize("/aws4_request", "/aws4_request/"), key.KindIncompleteSignature, badCred},
		{"no access key ID", signer{}, nil, authorize(exampleID, ""), key.KindIncompleteSignature, badID},
		{"strange access key ID", signer{}, nil, authorize(exampleID, "AKIA-1"), key.KindIncompleteSignature, badID},
		{"long access key ID", signer{}, nil, authorize(exampleID, strings.Repeat("A", 129)), key.KindIncompleteSignature, badID},
		{"short scope date", signer{}, nil, authorize("/20260101/", "/2026011/"), key.KindIncompleteSignature, "Date in Credential scope must be in the form YYYYMMDD."},
		{"no scope date", signer{}, nil, authorize("/20260101/", "//"), key.KindIncompleteSignature, "Date in Credential scope must be in the form YYYYMMDD."},
		{"scope date of letters", signer{}, nil, authorize("/20260101/", "/2026JAN1/"), key.KindIncompleteSignature, "Date in Credential scope must be in the form YYYYMMDD."},
		{"SignedHeaders unsorted", signer{}, nil, authorize("content-length;content-type;host", "host;content-length;content-type"), key.KindIncompleteSignature, badList},
		{"SignedHeaders repeated", signer{}, nil, authorize(";host;", ";host;host;"), key.KindIncompleteSignature, badList},
		{"SignedHeaders in upper case", signer{}, nil, authorize(";host;", ";Host;"), key.KindIncompleteSignature, badList},
		{"SignedHeaders with a space", signer{}, nil, authorize(";host;", "; host;"), key.KindIncompleteSignature, badList},
		{"SignedHeaders with an empty name", signer{}, nil, authorize(";host;", ";;host;"), key.KindIncompleteSignature, badList},
		{"SignedHeaders with a colon", signer{}, nil, authorize(";host;", ";h:ost;"), key.KindIncompleteSignature, badList},
		{"empty Signature", signer{}, nil, func(r *http.Request) {
			set("Authorization", strings.TrimRight(r.Header.Get("Authorization"), "0123456789abcdef"))(r)
		},
			key.KindIncompleteSignature, "Authorization header requires 'Signature' parameter."},
		{"Signature of 63 digits", signer{}, nil, func(r *http.Request) { a := r.Header.Get("Authorization"); set("Authorization", a[:len(a)-1])(r) },
			key.KindIncompleteSignature, badSignature},
		{"Signature too long", signer{}, nil, authorize("Signature=", "Signature=0"), key.KindIncompleteSignature, badSignature},
		{"Signature in upper case", signer{}, nil, func(r *http.Request) {
			before, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", before+"Signature=A"+strings.ToUpper(signature[1:]))
		}, key.KindIncompleteSignature, badSignature},
		{"no date", signer{}, nil, del("X-Amz-Date"), key.KindIncompleteSignature, noDate},
		{"extended date", signer{}, nil, set("X-Amz-Date", "2026-01-01T00:10:00Z"), key.KindIncompleteSignature, badAmzDate},
		{"date with a fraction", signer{}, nil, set("X-Amz-Date", "20260101T001000.5Z"), key.KindIncompleteSignature, badAmzDate},
		{"date that is none", signer{}, nil, set("X-Amz-Date", "20260230T001000Z"), key.KindIncompleteSignature, badAmzDate},
		{"empty date", signer{}, nil, set("X-Amz-Date", ""), key.KindIncompleteSignature, badAmzDate},
		{"HTTP date in X-Amz-Date", signer{}, nil, set("X-Amz-Date", "Thu, 01 Jan 2026 00:10:00 GMT"), key.KindIncompleteSignature, badAmzDate},
		{"malformed Date", signer{}, nil, func(r *http.Request) { del("X-Amz-Date")(r); set("Date", "today")(r) }, key.KindIncompleteSignature, badDate},
		{"other path", signer{}, nil, setTarget("/x"), key.KindIncompleteSignature, badTarget},
		{"two slashes", signer{}, nil, func(r *http.Request) { r.URL.Path = "//" }, key.KindIncompleteSignature, badTarget},
		{"escaped slash", signer{}, nil, setTarget("/%2F"), key.KindIncompleteSignature, badTarget},
		{"dot", signer{}, nil, func(r *http.Request) { r.URL.Path = "/." }, key.KindIncompleteSignature, badTarget},
		{"query", signer{}, nil, setTarget("/?a=b"), key.KindIncompleteSignature, badTarget},
		{"empty query", signer{}, nil, setTarget("/?"), key.KindIncompleteSignature, badTarget},

		// scope
		{"terminator", signer{}, nil, authorize("/aws4_request", "/aws3_request"), key.KindInvalidSignature, "Credential should be scoped with a valid terminator: 'aws4_request'."},
		{"service", signer{service: "s3"}, nil, nil, key.KindInvalidSignature, "Credential should be scoped to correct service: 'kms'."},
		{"service in upper case", signer{service: "KMS"}, nil, nil, key.KindInvalidSignature, "Credential should be scoped to correct service: 'kms'."},
		{"Region not served", signer{region: "us-east-1"}, nil, nil, key.KindInvalidSignature, badRegion},
		{"Region malformed", signer{region: "EU-WEST-2"}, nil, nil, key.KindInvalidSignature, badRegion},
		{"Region empty", signer{}, nil, authorize("/eu-west-2/", "//"), key.KindInvalidSignature, badRegion},

		// date
		{"scope of another day", signer{}, nil, authorize("/20260101/", "/20251231/"), key.KindInvalidSignature,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20251231' != '20260101', from '20260101T001000Z'."},
		{"expired", signedAt(-5*time.Minute - time.Second), nil, nil, key.KindInvalidSignature,
			"Signature expired: 20260101T000459Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)"},
		{"a day old", signedAt(-24 * time.Hour), nil, nil, key.KindInvalidSignature,
			"Signature expired: 20251231T001000Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)"},
		{"not yet current", signedAt(5*time.Minute + time.Second), nil, nil, key.KindInvalidSignature,
			"Signature not yet current: 20260101T001501Z is still later than 20260101T001500Z (20260101T001000Z + 5 min.)"},
		{"date rewritten", signer{}, nil, set("X-Amz-Date", "20260101T001001Z"), key.KindInvalidSignature, mismatch},

		// headers
		{"host not signed", signer{}, nil, authorize(";host", ""), key.KindInvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"date not signed", signer{}, nil, authorize(";x-amz-date", ""), key.KindInvalidSignature, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"Date not signed", signer{}, nil, func(r *http.Request) {
			authorize(";x-amz-date", "")(r)
			del("X-Amz-Date")(r)
			set("Date", "Thu, 01 Jan 2026 00:10:00 GMT")(r)
		}, key.KindInvalidSignature, "'Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"target not signed", signer{}, del("X-Amz-Target"), set("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), key.KindInvalidSignature,
			"'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."},
		{"two not signed", signer{}, nil, func(r *http.Request) { set("X-Amz-Zulu", "1")(r); set("X-Amz-Alpha", "1")(r) }, key.KindInvalidSignature,
			"'X-Amz-Alpha' must be a 'SignedHeader' in the AWS Authorization."},
		{"not signed, raw spelling", signer{}, nil, func(r *http.Request) { r.Header["x-AMZ-raw"] = []string{"1"} }, key.KindInvalidSignature,
			"'X-Amz-Raw' must be a 'SignedHeader' in the AWS Authorization."},
		{"token not signed", signer{}, nil, set("X-Amz-Security-Token", "t"), key.KindInvalidSignature, "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."},
		{"target twice", signer{}, nil, add("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), key.KindInvalidSignature, "The request has more than one 'X-Amz-Target' header."},
		{"target twice, both signed", signer{}, add("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), nil, key.KindInvalidSignature, "The request has more than one 'X-Amz-Target' header."},
		{"date twice", signer{}, nil, add("X-Amz-Date", "20260101T001000Z"), key.KindInvalidSignature, "The request has more than one 'X-Amz-Date' header."},
		{"content type twice", signer{}, nil, add("Content-Type", "text/plain"), key.KindInvalidSignature, "The request has more than one 'Content-Type' header."},
		{"two twice", signer{}, nil, func(r *http.Request) { add("X-Amz-Target", "b")(r); add("Content-Type", "a")(r) }, key.KindInvalidSignature,
			"The request has more than one 'Content-Type' header."},
		{"unsigned x-amz twice", signer{}, nil, func(r *http.Request) { add("X-Amz-New", "a")(r); add("X-Amz-New", "b")(r) }, key.KindInvalidSignature,
			"The request has more than one 'X-Amz-New' header."},
		{"signed header absent", signer{}, set("My-Note", "1"), del("My-Note"), key.KindInvalidSignature, "The signed header 'my-note' is not in the request."},
		{"content length absent", signer{}, nil, func(r *http.Request) { r.ContentLength = -1 }, key.KindInvalidSignature, "The signed header 'content-length' is not in the request."},
		{"host absent", signer{}, nil, func(r *http.Request) { r.Host = "" }, key.KindInvalidSignature, "The signed header 'host' is not in the request."},

		// payload
		{"unsigned payload", signer{payload: "UNSIGNED-PAYLOAD"}, set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), nil, key.KindInvalidSignature,
			"Unsigned payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body."},
		{"unsigned payload, not said", signer{payload: "UNSIGNED-PAYLOAD"}, nil, nil, key.KindInvalidSignature, mismatch},
		{"streaming payload", signer{}, set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), nil, key.KindInvalidSignature,
			"Streaming payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body."},
		{"streaming trailer", signer{}, set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), nil, key.KindInvalidSignature,
			"Streaming payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body."},
		{"hash of another body", signer{payload: sha256Hex("x")}, set("X-Amz-Content-Sha256", sha256Hex("x")), nil, key.KindInvalidSignature,
			"The provided 'x-amz-content-sha256' header does not match what was computed."},
		{"hash in upper case", signer{}, set("X-Amz-Content-Sha256", strings.ToUpper(sha256Hex(body))), nil, key.KindInvalidSignature,
			"The provided 'x-amz-content-sha256' header does not match what was computed."},
		{"empty hash", signer{}, set("X-Amz-Content-Sha256", ""), nil, key.KindInvalidSignature,
			"The provided 'x-amz-content-sha256' header does not match what was computed."},
		{"aws-chunked", signer{}, set("Content-Encoding", "gzip, AWS-Chunked"), nil, key.KindInvalidSignature, "The content encoding 'aws-chunked' is not supported."},

		// key
		{"session token", signer{token: "t"}, nil, nil, key.KindUnrecognizedClient, unknownKey},
		{"empty session token", signer{}, set("X-Amz-Security-Token", ""), nil, key.KindUnrecognizedClient, unknownKey},
		{"unknown key", signer{id: "AKIAUNKNOWN"}, nil, nil, key.KindUnrecognizedClient, unknownKey},
		{"key ID in another case", signer{id: strings.ToLower(exampleID)}, nil, nil, key.KindUnrecognizedClient, unknownKey},
		{"unknown key with the decoy", signer{id: "AKIAUNKNOWN", secret: decoySecret}, nil, nil, key.KindUnrecognizedClient, unknownKey},
		{"unknown key, malformed first", signer{id: "AKIAUNKNOWN"}, nil, del("X-Amz-Date"), key.KindIncompleteSignature, noDate},
		{"unknown key, payload first", signer{id: "AKIAUNKNOWN"}, nil, set("Content-Encoding", "aws-chunked"), key.KindInvalidSignature, "The content encoding 'aws-chunked' is not supported."},

		// signature
		{"wrong secret", signer{secret: "wrong"}, nil, nil, key.KindInvalidSignature, mismatch},
		{"decoy as the secret", signer{secret: decoySecret}, nil, nil, key.KindInvalidSignature, mismatch},
		{"another served Region", signer{}, nil, authorize("/eu-west-2/", "/us-gov-west-1/"), key.KindInvalidSignature, mismatch},
		{"another method", signer{}, nil, func(r *http.Request) { r.Method = "GET" }, key.KindInvalidSignature, mismatch},
		{"another host", signer{}, nil, func(r *http.Request) { r.Host = "kms.example.org" }, key.KindInvalidSignature, mismatch},
		{"a host header besides the host", signer{}, nil, func(r *http.Request) { r.Host = "kms.example.org"; r.Header.Set("Host", "kms.example.com") }, key.KindInvalidSignature, mismatch},
		{"another target", signer{}, nil, set("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), key.KindInvalidSignature, mismatch},
		{"another content type", signer{}, nil, set("Content-Type", "text/plain"), key.KindInvalidSignature, mismatch},
		{"a signed header dropped from the list", signer{}, nil, authorize("content-type;", ""), key.KindInvalidSignature, mismatch},
		{"a header added to the list", signer{}, nil, authorize(";host;", ";host;user-agent;"), key.KindInvalidSignature, mismatch},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := unsignedRequest(body)
			if c.before != nil {
				c.before(r)
			}
			c.signer.sign(t, r, body)
			_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			if c.after != nil {
				c.after(r)
			}
			caller, err := verify(NewVerifier(config()), r, []byte(body), "kms")
			wantRefusal(t, err, c.kind, c.message)
			if !reflect.DeepEqual(caller, identity.Caller{}) {
				t.Errorf("a refused caller is %+v", caller)
			}
			if strings.Contains(err.Error(), signature) {
				t.Error("the error repeats the signature")
			}
		})
	}
}

func wantRefusal(t *testing.T, err error, kind key.Kind, message string) {
	t.Helper()
	var refusal *key.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a key.Error", err)
	}
	if refusal.Kind != kind || refusal.Message != message {
		t.Errorf("got  %s: %s\nwant %s: %s", refusal.Kind, refusal.Message, kind, message)
	}
}

// Changes that do not affect the meaning of a signed request are accepted.
func TestEquivalents(t *testing.T) {
	cases := []struct {
		name          string
		signer        signer
		before, after change
	}{
		{"nothing", signer{}, nil, nil},
		{"exactly 5 minutes old", signedAt(-5 * time.Minute), nil, nil},
		{"exactly 5 minutes ahead", signedAt(5 * time.Minute), nil, nil},
		{"other Region", signer{region: "us-gov-west-1"}, nil, nil},
		{"no space after commas", signer{}, nil, func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","))
		}},
		{"many spaces", signer{}, nil, func(r *http.Request) {
			r.Header.Set("Authorization", "  "+strings.ReplaceAll(r.Header.Get("Authorization"), " ", "   ")+" ")
		}},
		{"other order of parameters", signer{}, nil, func(r *http.Request) {
			p := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ", ")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+p[2]+", "+p[0]+", "+p[1])
		}},
		{"surrounding spaces", signer{}, nil, set("X-Amz-Target", "  TrentService.DescribeKey \t")},
		{"spaces around the payload hash", signer{}, set("X-Amz-Content-Sha256", sha256Hex(body)), set("X-Amz-Content-Sha256", " "+sha256Hex(body)+" ")},
		{"a run of spaces", signer{}, set("My-Note", "a b"), set("My-Note", "a    b")},
		{"an unsigned header changed", signer{}, nil, set("User-Agent", "other")},
		{"an unsigned header twice", signer{}, nil, add("User-Agent", "other")},
		{"an unsigned header added", signer{}, nil, set("X-Amzn-Trace-Id", "Root=1-2")},
		{"an unsigned Date besides X-Amz-Date", signer{}, nil, set("Date", "yesterday")},
		{"content type not signed", signer{}, del("Content-Type"), set("Content-Type", "application/x-amz-json-1.1")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := unsignedRequest(body)
			if c.before != nil {
				c.before(r)
			}
			c.signer.sign(t, r, body)
			if c.after != nil {
				c.after(r)
			}
			if _, err := verify(NewVerifier(config()), r, []byte(body), "kms"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Fractions of a second of wall time do not matter, because dates have whole seconds.
func TestSkewIsInWholeSeconds(t *testing.T) {
	cfg := config()
	cfg.Now = func() time.Time { return wallTime().Add(999 * time.Millisecond) }
	v := NewVerifier(cfg)
	if _, err := verify(v, signedRequest(t, signedAt(-5*time.Minute), body), []byte(body), "kms"); err != nil {
		t.Error(err)
	}
	_, err := verify(v, signedRequest(t, signedAt(5*time.Minute+time.Second), body), []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, "Signature not yet current: 20260101T001501Z is still later than 20260101T001500Z (20260101T001000Z + 5 min.)")
}

// A malformed Region is refused, even if every Region is served.
func TestMalformedRegions(t *testing.T) {
	cfg := config()
	cfg.Regions = func(string) bool { return true }
	v := NewVerifier(cfg)
	if _, err := verify(v, signedRequest(t, signer{region: "ap-southeast-7"}, body), []byte(body), "kms"); err != nil {
		t.Error(err)
	}
	for _, malformed := range []string{"EU-WEST-2", "eu west 2", "eu", "eu-west-2,", "*"} {
		r := signedRequest(t, signer{}, body)
		authorize("/eu-west-2/", "/"+malformed+"/")(r)
		if _, err := verify(v, r, []byte(body), "kms"); err == nil {
			t.Errorf("Region %q is accepted", malformed)
		}
	}
	_, err := verify(v, signedRequest(t, signer{region: "EU-WEST-2"}, body), []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, badRegion)
}

func TestLookup(t *testing.T) {
	cfg := config()
	var lookups []string
	cfg.Lookup = func(_ context.Context, id string) (identity.AccessKey, bool, error) {
		lookups = append(lookups, id)
		return identity.AccessKey{ID: id, Principal: identity.Root(account)}, true, nil
	}
	_, err := verify(NewVerifier(cfg), signedRequest(t, signer{id: "NOSECRET"}, body), []byte(body), "kms")
	wantRefusal(t, err, key.KindUnrecognizedClient, unknownKey)
	if len(lookups) != 1 || lookups[0] != "NOSECRET" {
		t.Errorf("looked up %q", lookups)
	}

	r := signedRequest(t, signer{}, body)
	r.Header.Del("X-Amz-Date")
	if _, err := verify(NewVerifier(cfg), r, []byte(body), "kms"); err == nil || len(lookups) != 1 {
		t.Errorf("a malformed request was looked up: %v", err)
	}

	failure := errors.New("the store is away")
	cfg.Lookup = func(context.Context, string) (identity.AccessKey, bool, error) {
		return identity.AccessKey{}, false, failure
	}
	_, err = verify(NewVerifier(cfg), signedRequest(t, signer{}, body), []byte(body), "kms")
	if refusal := (*key.Error)(nil); !errors.Is(err, failure) || errors.As(err, &refusal) {
		t.Errorf("got %v, want the failure and no refusal", err)
	}
}

// An access key that does not exist costs the same as a wrong signature.
func TestUnknownKeyCostsTheSame(t *testing.T) {
	v := NewVerifier(config())
	cost := func(s signer) float64 {
		r := signedRequest(t, s, body)
		return testing.AllocsPerRun(100, func() { verify(v, r, []byte(body), "kms") })
	}
	wrong, unknown := cost(signer{secret: "wrong"}), cost(signer{id: "AKIAIOSFODNN7EXAMPLF"})
	if math.Abs(wrong-unknown) > 1 { // pools drop entries under the race detector
		t.Errorf("a wrong signature takes %v allocations, an unknown key %v", wrong, unknown)
	}
	if kept, _ := v.keys.cache.Size(); kept != 2 {
		t.Errorf("%d signing keys were derived, want one of the key and one of the decoy", kept)
	}
}
