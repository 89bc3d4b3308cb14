package sigv4

import "strings"

// An Examination shows how a request describes its signature, to explain a refusal. It contains
// no secret, and of the body only the hash. Members that a malformed request lacks are empty.
type Examination struct {
	Target        string // X-Amz-Target
	AccessKeyID   string
	Scope         string   // date/Region/service/terminator
	Date          string   // in the form that is signed: "20260101T000000Z"
	SignedHeaders []string // lower case, ascending
	Declared      string   // the hash of the payload as the request says it, if it does
	Payload       string   // the hexadecimal SHA-256 of the body as it arrived

	// CanonicalRequest and StringToSign are those that the server computes, but
	// for the values of headers that RedactHeader hides: the hash in StringToSign is
	// of the headers as they are.
	CanonicalRequest string
	StringToSign     string
}

// Examine returns the description of a signature in a request with the given body. It needs no
// secret. Verify does not call Examine, so only explanations pay for it.
func Examine(r *Request, body []byte) Examination {
	payload := digestOf(body)
	x := Examination{
		Target:   validUTF8(r.Header.Get("x-amz-target")),
		Declared: validUTF8(r.Header.Get(contentSHA256)),
		Payload:  string(payload[:]),
	}
	if a, err := parseAuthorization(r.Header); err == nil {
		x.AccessKeyID, x.Scope, x.SignedHeaders = redactID(a.accessKeyID), validUTF8(a.scope.String()), a.signedHeaders
	}
	a, date, err := parseClaim(r)
	x.Date = date.text
	if err != nil {
		return x
	}
	canonical, err := canonicalDigest(r, a.signedHeaders, payload)
	if err != nil {
		return x
	}
	x.StringToSign = validUTF8(string(stringToSign(date.text, a.scope, canonical)))
	headers, _ := appendHeaders(nil, r.Header, a.signedHeaders)
	x.CanonicalRequest = validUTF8(canonicalStart(r.Method) + string(appendEnd(redactHeaders(headers), a.signedHeaders, payload)))
	return x
}

// RedactHeader returns the value of a header if people may see the value. A possible
// credential is "[redacted]".
func RedactHeader(name, value string) string {
	for _, part := range [...]string{"token", "authorization", "cookie", "secret", "password", "api-key"} {
		if strings.Contains(strings.ToLower(name), part) {
			return redacted
		}
	}
	return value
}

// redacted stands in the place of a value that is not shown.
const redacted = "[redacted]"

// redactHeaders returns canonical headers with the values that can be shown.
func redactHeaders(headers []byte) (shown []byte) {
	for line := range strings.Lines(string(headers)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		shown = append(shown, name+":"+RedactHeader(name, value)+"\n"...)
	}
	return shown
}

// secretLength is the length of the secret access keys of AWS, and of ours. IDs have
// half of it.
const secretLength = 40

// redactID hides an access key ID that has the length of a secret: the two may have
// been taken for one another.
func redactID(id string) string {
	if len(id) == secretLength {
		return redacted
	}
	return id
}

// validUTF8 replaces bytes that an answer cannot carry.
func validUTF8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
