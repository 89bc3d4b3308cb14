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

// A change is made to a request that is otherwise good.
type change func(*http.Request)

func set(name, value string) change { return func(r *http.Request) { r.Header.Set(name, value) } }
func add(name, value string) change { return func(r *http.Request) { r.Header.Add(name, value) } }
func del(name string) change        { return func(r *http.Request) { r.Header.Del(name) } }

// authorize replaces a part of the Authorization header, which must be there.
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

func target(url string) change {
	return func(r *http.Request) { r.URL, _ = r.URL.Parse(url) }
}

func at(offset time.Duration) signing { return signing{at: wallTime().Add(offset)} }

func TestRefusals(t *testing.T) {
	cases := []struct {
		name          string
		signing       signing
		before, after change // made before and after signing
		kind          key.Kind
		message       string
	}{
		// presence
		{"no Authorization", signing{}, nil, del("Authorization"), key.KindMissingAuthenticationToken, "Missing Authentication Token"},
		{"empty Authorization", signing{}, nil, set("Authorization", ""), key.KindMissingAuthenticationToken, "Missing Authentication Token"},
		{"presigned", signing{}, nil, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00"
		}, key.KindIncompleteSignature, presignedURL},
		{"presigned and signed", signing{}, nil, target("/?x-amz-signature=00"), key.KindIncompleteSignature, presignedURL},
		{"missing before target", signing{}, nil, func(r *http.Request) { r.Header.Del("Authorization"); r.URL.Path = "/x" },
			key.KindMissingAuthenticationToken, "Missing Authentication Token"},

		// form
		{"Authorization twice", signing{}, nil, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) },
			key.KindIncompleteSignature, "The request has more than one 'Authorization' header."},
		{"Basic", signing{}, nil, set("Authorization", "Basic dGVzdDp0ZXN0"), key.KindIncompleteSignature, badAlgorithm},
		{"ECDSA", signing{}, nil, authorize("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), key.KindIncompleteSignature, badAlgorithm},
		{"lower-case algorithm", signing{}, nil, authorize("AWS4-HMAC-SHA256", "aws4-hmac-sha256"), key.KindIncompleteSignature, badAlgorithm},
		{"algorithm alone", signing{}, nil, set("Authorization", "AWS4-HMAC-SHA256"), key.KindIncompleteSignature,
			"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter."},
		{"no Credential", signing{}, nil, cut("Credential=", ", "), key.KindIncompleteSignature, "Authorization header requires 'Credential' parameter."},
		{"no SignedHeaders", signing{}, nil, cut("SignedHeaders=", ", "), key.KindIncompleteSignature, "Authorization header requires 'SignedHeaders' parameter."},
		{"no Signature", signing{}, nil, cut(", Signature=", "!"), key.KindIncompleteSignature, "Authorization header requires 'Signature' parameter."},
		{"Signature alone and empty", signing{}, nil, set("Authorization", "AWS4-HMAC-SHA256 Signature="), key.KindIncompleteSignature, "Authorization header requires 'Signature' parameter."},
		{"Credential twice", signing{}, nil, authorize("Credential=", "Credential=a/20260101/eu-west-2/kms/aws4_request, Credential="),
			key.KindIncompleteSignature, "The Authorization header has the 'Credential' parameter more than once."},
		{"SignedHeaders twice", signing{}, nil, authorize("Signature=", "SignedHeaders=host, Signature="),
			key.KindIncompleteSignature, "The Authorization header has the 'SignedHeaders' parameter more than once."},
		{"Signature twice", signing{}, nil, authorize("Signature=", "Signature=00, Signature="),
			key.KindIncompleteSignature, "The Authorization header has the 'Signature' parameter more than once."},
		{"unknown parameter", signing{}, nil, authorize("Signature=", "Extra=1, Signature="), key.KindIncompleteSignature, other},
		{"parameter in lower case", signing{}, nil, authorize("Credential", "credential"), key.KindIncompleteSignature, other},
		{"trailing comma", signing{}, nil, authorize("Signature=", ", Signature="), key.KindIncompleteSignature, other},
		{"Credential of four", signing{}, nil, authorize("/aws4_request", ""), key.KindIncompleteSignature, badCred},
		{"Credential of six", signing{}, nil, authorize("/aws4_request", "/aws4_request/"), key.KindIncompleteSignature, badCred},
		{"no access key ID", signing{}, nil, authorize(exampleID, ""), key.KindIncompleteSignature, badID},
		{"strange access key ID", signing{}, nil, authorize(exampleID, "AKIA-1"), key.KindIncompleteSignature, badID},
		{"long access key ID", signing{}, nil, authorize(exampleID, strings.Repeat("A", 129)), key.KindIncompleteSignature, badID},
		{"short scope date", signing{}, nil, authorize("/20260101/", "/2026011/"), key.KindIncompleteSignature, "Date in Credential scope must be in the form YYYYMMDD."},
		{"no scope date", signing{}, nil, authorize("/20260101/", "//"), key.KindIncompleteSignature, "Date in Credential scope must be in the form YYYYMMDD."},
		{"scope date of letters", signing{}, nil, authorize("/20260101/", "/2026JAN1/"), key.KindIncompleteSignature, "Date in Credential scope must be in the form YYYYMMDD."},
		{"SignedHeaders unsorted", signing{}, nil, authorize("content-length;content-type;host", "host;content-length;content-type"), key.KindIncompleteSignature, badList},
		{"SignedHeaders repeated", signing{}, nil, authorize(";host;", ";host;host;"), key.KindIncompleteSignature, badList},
		{"SignedHeaders in upper case", signing{}, nil, authorize(";host;", ";Host;"), key.KindIncompleteSignature, badList},
		{"SignedHeaders with a space", signing{}, nil, authorize(";host;", "; host;"), key.KindIncompleteSignature, badList},
		{"SignedHeaders with an empty name", signing{}, nil, authorize(";host;", ";;host;"), key.KindIncompleteSignature, badList},
		{"SignedHeaders with a colon", signing{}, nil, authorize(";host;", ";h:ost;"), key.KindIncompleteSignature, badList},
		{"empty Signature", signing{}, nil, func(r *http.Request) {
			set("Authorization", strings.TrimRight(r.Header.Get("Authorization"), "0123456789abcdef"))(r)
		},
			key.KindIncompleteSignature, "Authorization header requires 'Signature' parameter."},
		{"Signature of 63 digits", signing{}, nil, func(r *http.Request) { a := r.Header.Get("Authorization"); set("Authorization", a[:len(a)-1])(r) },
			key.KindIncompleteSignature, badSignature},
		{"Signature too long", signing{}, nil, authorize("Signature=", "Signature=0"), key.KindIncompleteSignature, badSignature},
		{"Signature in upper case", signing{}, nil, func(r *http.Request) {
			before, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", before+"Signature=A"+strings.ToUpper(signature[1:]))
		}, key.KindIncompleteSignature, badSignature},
		{"no date", signing{}, nil, del("X-Amz-Date"), key.KindIncompleteSignature, noDate},
		{"extended date", signing{}, nil, set("X-Amz-Date", "2026-01-01T00:10:00Z"), key.KindIncompleteSignature, badAmzDate},
		{"date with a fraction", signing{}, nil, set("X-Amz-Date", "20260101T001000.5Z"), key.KindIncompleteSignature, badAmzDate},
		{"date that is none", signing{}, nil, set("X-Amz-Date", "20260230T001000Z"), key.KindIncompleteSignature, badAmzDate},
		{"empty date", signing{}, nil, set("X-Amz-Date", ""), key.KindIncompleteSignature, badAmzDate},
		{"HTTP date in X-Amz-Date", signing{}, nil, set("X-Amz-Date", "Thu, 01 Jan 2026 00:10:00 GMT"), key.KindIncompleteSignature, badAmzDate},
		{"malformed Date", signing{}, nil, func(r *http.Request) { del("X-Amz-Date")(r); set("Date", "today")(r) }, key.KindIncompleteSignature, badDate},
		{"other path", signing{}, nil, target("/x"), key.KindIncompleteSignature, badTarget},
		{"two slashes", signing{}, nil, func(r *http.Request) { r.URL.Path = "//" }, key.KindIncompleteSignature, badTarget},
		{"escaped slash", signing{}, nil, target("/%2F"), key.KindIncompleteSignature, badTarget},
		{"dot", signing{}, nil, func(r *http.Request) { r.URL.Path = "/." }, key.KindIncompleteSignature, badTarget},
		{"query", signing{}, nil, target("/?a=b"), key.KindIncompleteSignature, badTarget},
		{"empty query", signing{}, nil, target("/?"), key.KindIncompleteSignature, badTarget},

		// scope
		{"terminator", signing{}, nil, authorize("/aws4_request", "/aws3_request"), key.KindInvalidSignature, "Credential should be scoped with a valid terminator: 'aws4_request'."},
		{"service", signing{service: "s3"}, nil, nil, key.KindInvalidSignature, "Credential should be scoped to correct service: 'kms'."},
		{"service in upper case", signing{service: "KMS"}, nil, nil, key.KindInvalidSignature, "Credential should be scoped to correct service: 'kms'."},
		{"Region not served", signing{region: "us-east-1"}, nil, nil, key.KindInvalidSignature, badRegion},
		{"Region malformed", signing{region: "EU-WEST-2"}, nil, nil, key.KindInvalidSignature, badRegion},
		{"Region empty", signing{}, nil, authorize("/eu-west-2/", "//"), key.KindInvalidSignature, badRegion},

		// date
		{"scope of another day", signing{}, nil, authorize("/20260101/", "/20251231/"), key.KindInvalidSignature,
			"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20251231' != '20260101', from '20260101T001000Z'."},
		{"expired", at(-5*time.Minute - time.Second), nil, nil, key.KindInvalidSignature,
			"Signature expired: 20260101T000459Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)"},
		{"a day old", at(-24 * time.Hour), nil, nil, key.KindInvalidSignature,
			"Signature expired: 20251231T001000Z is now earlier than 20260101T000500Z (20260101T001000Z - 5 min.)"},
		{"not yet current", at(5*time.Minute + time.Second), nil, nil, key.KindInvalidSignature,
			"Signature not yet current: 20260101T001501Z is still later than 20260101T001500Z (20260101T001000Z + 5 min.)"},
		{"date rewritten", signing{}, nil, set("X-Amz-Date", "20260101T001001Z"), key.KindInvalidSignature, mismatch},

		// headers
		{"host not signed", signing{}, nil, authorize(";host", ""), key.KindInvalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		{"date not signed", signing{}, nil, authorize(";x-amz-date", ""), key.KindInvalidSignature, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"Date not signed", signing{}, nil, func(r *http.Request) {
			authorize(";x-amz-date", "")(r)
			del("X-Amz-Date")(r)
			set("Date", "Thu, 01 Jan 2026 00:10:00 GMT")(r)
		}, key.KindInvalidSignature, "'Date' must be a 'SignedHeader' in the AWS Authorization."},
		{"target not signed", signing{}, del("X-Amz-Target"), set("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), key.KindInvalidSignature,
			"'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization."},
		{"two not signed", signing{}, nil, func(r *http.Request) { set("X-Amz-Zulu", "1")(r); set("X-Amz-Alpha", "1")(r) }, key.KindInvalidSignature,
			"'X-Amz-Alpha' must be a 'SignedHeader' in the AWS Authorization."},
		{"not signed, raw spelling", signing{}, nil, func(r *http.Request) { r.Header["x-AMZ-raw"] = []string{"1"} }, key.KindInvalidSignature,
			"'X-Amz-Raw' must be a 'SignedHeader' in the AWS Authorization."},
		{"token not signed", signing{}, nil, set("X-Amz-Security-Token", "t"), key.KindInvalidSignature, "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."},
		{"target twice", signing{}, nil, add("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), key.KindInvalidSignature, "The request has more than one 'X-Amz-Target' header."},
		{"target twice, both signed", signing{}, add("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), nil, key.KindInvalidSignature, "The request has more than one 'X-Amz-Target' header."},
		{"date twice", signing{}, nil, add("X-Amz-Date", "20260101T001000Z"), key.KindInvalidSignature, "The request has more than one 'X-Amz-Date' header."},
		{"content type twice", signing{}, nil, add("Content-Type", "text/plain"), key.KindInvalidSignature, "The request has more than one 'Content-Type' header."},
		{"two twice", signing{}, nil, func(r *http.Request) { add("X-Amz-Target", "b")(r); add("Content-Type", "a")(r) }, key.KindInvalidSignature,
			"The request has more than one 'Content-Type' header."},
		{"unsigned x-amz twice", signing{}, nil, func(r *http.Request) { add("X-Amz-New", "a")(r); add("X-Amz-New", "b")(r) }, key.KindInvalidSignature,
			"The request has more than one 'X-Amz-New' header."},
		{"signed header absent", signing{}, set("My-Note", "1"), del("My-Note"), key.KindInvalidSignature, "The signed header 'my-note' is not in the request."},
		{"content length absent", signing{}, nil, func(r *http.Request) { r.ContentLength = -1 }, key.KindInvalidSignature, "The signed header 'content-length' is not in the request."},
		{"host absent", signing{}, nil, func(r *http.Request) { r.Host = "" }, key.KindInvalidSignature, "The signed header 'host' is not in the request."},

		// payload
		{"unsigned payload", signing{payload: "UNSIGNED-PAYLOAD"}, set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), nil, key.KindInvalidSignature,
			"Unsigned payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body."},
		{"unsigned payload, not said", signing{payload: "UNSIGNED-PAYLOAD"}, nil, nil, key.KindInvalidSignature, mismatch},
		{"streaming payload", signing{}, set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), nil, key.KindInvalidSignature,
			"Streaming payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body."},
		{"streaming trailer", signing{}, set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), nil, key.KindInvalidSignature,
			"Streaming payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body."},
		{"hash of another body", signing{payload: sha256Hex("x")}, set("X-Amz-Content-Sha256", sha256Hex("x")), nil, key.KindInvalidSignature,
			"The provided 'x-amz-content-sha256' header does not match what was computed."},
		{"hash in upper case", signing{}, set("X-Amz-Content-Sha256", strings.ToUpper(sha256Hex(body))), nil, key.KindInvalidSignature,
			"The provided 'x-amz-content-sha256' header does not match what was computed."},
		{"empty hash", signing{}, set("X-Amz-Content-Sha256", ""), nil, key.KindInvalidSignature,
			"The provided 'x-amz-content-sha256' header does not match what was computed."},
		{"aws-chunked", signing{}, set("Content-Encoding", "gzip, AWS-Chunked"), nil, key.KindInvalidSignature, "The content encoding 'aws-chunked' is not supported."},

		// key
		{"session token", signing{token: "t"}, nil, nil, key.KindUnrecognizedClient, unknownKey},
		{"empty session token", signing{}, set("X-Amz-Security-Token", ""), nil, key.KindUnrecognizedClient, unknownKey},
		{"unknown key", signing{id: "AKIAUNKNOWN"}, nil, nil, key.KindUnrecognizedClient, unknownKey},
		{"key ID in another case", signing{id: strings.ToLower(exampleID)}, nil, nil, key.KindUnrecognizedClient, unknownKey},
		{"unknown key with the decoy", signing{id: "AKIAUNKNOWN", secret: decoySecret}, nil, nil, key.KindUnrecognizedClient, unknownKey},
		{"unknown key, malformed first", signing{id: "AKIAUNKNOWN"}, nil, del("X-Amz-Date"), key.KindIncompleteSignature, noDate},
		{"unknown key, payload first", signing{id: "AKIAUNKNOWN"}, nil, set("Content-Encoding", "aws-chunked"), key.KindInvalidSignature, "The content encoding 'aws-chunked' is not supported."},

		// signature
		{"wrong secret", signing{secret: "wrong"}, nil, nil, key.KindInvalidSignature, mismatch},
		{"decoy as the secret", signing{secret: decoySecret}, nil, nil, key.KindInvalidSignature, mismatch},
		{"another served Region", signing{}, nil, authorize("/eu-west-2/", "/us-gov-west-1/"), key.KindInvalidSignature, mismatch},
		{"another method", signing{}, nil, func(r *http.Request) { r.Method = "GET" }, key.KindInvalidSignature, mismatch},
		{"another host", signing{}, nil, func(r *http.Request) { r.Host = "kms.example.org" }, key.KindInvalidSignature, mismatch},
		{"a host header besides the host", signing{}, nil, func(r *http.Request) { r.Host = "kms.example.org"; r.Header.Set("Host", "kms.example.com") }, key.KindInvalidSignature, mismatch},
		{"another target", signing{}, nil, set("X-Amz-Target", "TrentService.ScheduleKeyDeletion"), key.KindInvalidSignature, mismatch},
		{"another content type", signing{}, nil, set("Content-Type", "text/plain"), key.KindInvalidSignature, mismatch},
		{"a signed header dropped from the list", signing{}, nil, authorize("content-type;", ""), key.KindInvalidSignature, mismatch},
		{"a header added to the list", signing{}, nil, authorize(";host;", ";host;user-agent;"), key.KindInvalidSignature, mismatch},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := unsignedRequest(body)
			if c.before != nil {
				c.before(r)
			}
			c.signing.sign(t, r, body)
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

// What differs from the request that was signed but means the same is accepted.
func TestEquivalents(t *testing.T) {
	cases := []struct {
		name          string
		signing       signing
		before, after change
	}{
		{"nothing", signing{}, nil, nil},
		{"exactly 5 minutes old", at(-5 * time.Minute), nil, nil},
		{"exactly 5 minutes ahead", at(5 * time.Minute), nil, nil},
		{"other Region", signing{region: "us-gov-west-1"}, nil, nil},
		{"no space after commas", signing{}, nil, func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), ", ", ","))
		}},
		{"many spaces", signing{}, nil, func(r *http.Request) {
			r.Header.Set("Authorization", "  "+strings.ReplaceAll(r.Header.Get("Authorization"), " ", "   ")+" ")
		}},
		{"other order of parameters", signing{}, nil, func(r *http.Request) {
			p := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "), ", ")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 "+p[2]+", "+p[0]+", "+p[1])
		}},
		{"surrounding spaces", signing{}, nil, set("X-Amz-Target", "  TrentService.DescribeKey \t")},
		{"spaces around the payload hash", signing{}, set("X-Amz-Content-Sha256", sha256Hex(body)), set("X-Amz-Content-Sha256", " "+sha256Hex(body)+" ")},
		{"a run of spaces", signing{}, set("My-Note", "a b"), set("My-Note", "a    b")},
		{"an unsigned header changed", signing{}, nil, set("User-Agent", "other")},
		{"an unsigned header twice", signing{}, nil, add("User-Agent", "other")},
		{"an unsigned header added", signing{}, nil, set("X-Amzn-Trace-Id", "Root=1-2")},
		{"an unsigned Date besides X-Amz-Date", signing{}, nil, set("Date", "yesterday")},
		{"content type not signed", signing{}, del("Content-Type"), set("Content-Type", "application/x-amz-json-1.1")},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := unsignedRequest(body)
			if c.before != nil {
				c.before(r)
			}
			c.signing.sign(t, r, body)
			if c.after != nil {
				c.after(r)
			}
			if _, err := verify(NewVerifier(config()), r, []byte(body), "kms"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Wall time within a second is the same to a date of whole seconds.
func TestSkewIsInWholeSeconds(t *testing.T) {
	with := config()
	with.Now = func() time.Time { return wallTime().Add(999 * time.Millisecond) }
	v := NewVerifier(with)
	if _, err := verify(v, signedRequest(t, at(-5*time.Minute), body), []byte(body), "kms"); err != nil {
		t.Error(err)
	}
	_, err := verify(v, signedRequest(t, at(5*time.Minute+time.Second), body), []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, "Signature not yet current: 20260101T001501Z is still later than 20260101T001500Z (20260101T001000Z + 5 min.)")
}

// Where every Region is served, a malformed one is still refused.
func TestMalformedRegions(t *testing.T) {
	with := config()
	with.Regions = func(string) bool { return true }
	v := NewVerifier(with)
	if _, err := verify(v, signedRequest(t, signing{region: "ap-southeast-7"}, body), []byte(body), "kms"); err != nil {
		t.Error(err)
	}
	for _, malformed := range []string{"EU-WEST-2", "eu west 2", "eu", "eu-west-2,", "*"} {
		r := signedRequest(t, signing{}, body)
		authorize("/eu-west-2/", "/"+malformed+"/")(r)
		if _, err := verify(v, r, []byte(body), "kms"); err == nil {
			t.Errorf("Region %q is accepted", malformed)
		}
	}
	_, err := verify(v, signedRequest(t, signing{region: "EU-WEST-2"}, body), []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, badRegion)
}

func TestLookup(t *testing.T) {
	with := config()
	var lookups []string
	with.Lookup = func(_ context.Context, id string) (identity.AccessKey, bool, error) {
		lookups = append(lookups, id)
		return identity.AccessKey{ID: id, Principal: identity.Root(account)}, true, nil
	}
	_, err := verify(NewVerifier(with), signedRequest(t, signing{id: "NOSECRET"}, body), []byte(body), "kms")
	wantRefusal(t, err, key.KindUnrecognizedClient, unknownKey)
	if len(lookups) != 1 || lookups[0] != "NOSECRET" {
		t.Errorf("looked up %q", lookups)
	}

	r := signedRequest(t, signing{}, body)
	r.Header.Del("X-Amz-Date")
	if _, err := verify(NewVerifier(with), r, []byte(body), "kms"); err == nil || len(lookups) != 1 {
		t.Errorf("a malformed request was looked up: %v", err)
	}

	failure := errors.New("the store is away")
	with.Lookup = func(context.Context, string) (identity.AccessKey, bool, error) {
		return identity.AccessKey{}, false, failure
	}
	_, err = verify(NewVerifier(with), signedRequest(t, signing{}, body), []byte(body), "kms")
	if refusal := (*key.Error)(nil); !errors.Is(err, failure) || errors.As(err, &refusal) {
		t.Errorf("got %v, want the failure and no refusal", err)
	}
}

// An access key that does not exist costs the same as a wrong signature.
func TestUnknownKeyCostsTheSame(t *testing.T) {
	v := NewVerifier(config())
	cost := func(s signing) float64 {
		r := signedRequest(t, s, body)
		return testing.AllocsPerRun(100, func() { verify(v, r, []byte(body), "kms") })
	}
	wrong, unknown := cost(signing{secret: "wrong"}), cost(signing{id: "AKIAIOSFODNN7EXAMPLF"})
	if math.Abs(wrong-unknown) > 1 { // pools drop entries under the race detector
		t.Errorf("a wrong signature takes %v allocations, an unknown key %v", wrong, unknown)
	}
	if kept, _ := v.keys.cache.Size(); kept != 2 {
		t.Errorf("%d signing keys were derived, want one of the key and one of the decoy", kept)
	}
}
