package sigv4

import "strings"

// An Examination shows how a request describes its signature, to explain a refusal. It contains
// no secret, and only the hash of the body. Members that a malformed request lacks are empty.
type Examination struct {
	Target        string // X-Amz-Target
	AccessKeyID   string
	Scope         string   // date/Region/service/terminator
	Date          string   // in the form that is signed: "20260101T000000Z"
	SignedHeaders []string // lower case, ascending
	Declared      string   // X-Amz-Content-Sha256, the hash of the payload according to the request
	Payload       string   // the hexadecimal SHA-256 of the body that the server received

	// The server computes CanonicalRequest and StringToSign. RedactHeader hides values in
	// CanonicalRequest, but the hash in StringToSign covers the real values.
	CanonicalRequest string
	StringToSign     string
}

// Examine returns the description of a signature in a request with the given body. It needs no
// secret. Verify does not call Examine, so its cost is paid only for explanations.
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
	rest := appendEnd(redactHeaders(headers), a.signedHeaders, payload)
	x.CanonicalRequest = validUTF8(canonicalStart(r.Method) + string(rest))
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

// redacted replaces a value that is hidden.
const redacted = "[redacted]"

// redactHeaders replaces the values in canonical headers that people may not see.
func redactHeaders(headers []byte) (shown []byte) {
	for line := range strings.Lines(string(headers)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		shown = append(shown, name+":"+RedactHeader(name, value)+"\n"...)
	}
	return shown
}

// secretLength is the length of secret access keys, of AWS and of Keyhold. IDs have half this
// length.
const secretLength = 40

// redactID hides an access key ID that has the length of a secret, because the client may have
// confused the two.
func redactID(id string) string {
	if len(id) == secretLength {
		return redacted
	}
	return id
}

// validUTF8 replaces invalid UTF-8, which a response cannot contain.
func validUTF8(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
