package identity

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	contentSHA256 = "X-Amz-Content-Sha256"
	securityToken = "X-Amz-Security-Token"
)

// checkHeaders demands that every header with a meaning for the signature or the
// service is signed and given once. Where several are at fault it names the
// first in alphabetical order. signed is sorted. Content-Type need not be signed, as not every SDK
// signs it.
func checkHeaders(h http.Header, dateHeader string, signed []string) error {
	var twice, unsigned []string
	for name, values := range h {
		required := name == dateHeader || isAmz(name)
		if !required && len(values) == 1 {
			continue
		}
		_, isSigned := slices.BinarySearch(signed, strings.ToLower(name))
		if len(values) > 1 && (required || isSigned) {
			twice = append(twice, name)
		}
		if required && !isSigned {
			unsigned = append(unsigned, name)
		}
	}
	switch {
	case twice != nil:
		return invalid("The request has more than one '%s' header.", slices.Min(twice))
	case !slices.Contains(signed, "host"):
		return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	case unsigned != nil:
		return invalid("'%s' must be a 'SignedHeader' in the AWS Authorization.", slices.Min(unsigned))
	}
	return nil
}

// isAmz reports whether a header is one of the x-amz-* headers. The headers that
// load balancers add, such as X-Amzn-Trace-Id, are not among them.
func isAmz(name string) bool {
	const prefix = "x-amz-"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// signedValue returns the value of a signed header by its lower-case name. Two
// of them package net/http may keep outside the header map.
func signedValue(r *http.Request, name string) (string, bool) {
	if name == "host" {
		return r.Host, r.Host != ""
	}
	if values := r.Header[headerKey(name)]; len(values) > 0 {
		return values[0], true
	}
	if name == "content-length" && r.ContentLength >= 0 {
		return strconv.FormatInt(r.ContentLength, 10), true
	}
	return "", false
}

// headerKey is http.CanonicalHeaderKey, which makes a new string of each name that
// is not one of HTTP's own.
func headerKey(name string) string {
	switch name {
	case "x-amz-date":
		return "X-Amz-Date"
	case "x-amz-target":
		return "X-Amz-Target"
	case "x-amz-content-sha256":
		return contentSHA256
	}
	return http.CanonicalHeaderKey(name)
}

// checkPayload refuses the forms of Signature Version 4 that sign something else
// than the body; payload is the digest of the body.
func checkPayload(h http.Header, payload digest) error {
	for _, coding := range h["Content-Encoding"] {
		if strings.Contains(strings.ToLower(coding), "aws-chunked") {
			return invalid("The content encoding 'aws-chunked' is not supported.")
		}
	}
	values := h[contentSHA256]
	if len(values) == 0 {
		return nil
	}
	switch declared := strings.Trim(values[0], " \t"); {
	case declared == "UNSIGNED-PAYLOAD":
		return invalid("Unsigned payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body.")
	case strings.HasPrefix(declared, "STREAMING-"):
		return invalid("Streaming payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body.")
	case declared != string(payload[:]):
		return invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}
