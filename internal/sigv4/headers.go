package sigv4

import (
	"net/textproto"
	"slices"
	"strings"
)

const (
	contentSHA256 = "x-amz-content-sha256"
	securityToken = "x-amz-security-token"
)

// checkHeaders refuses a request in which a header with a meaning for the signature or the
// service is not signed or given more than once. The error names the first such header in
// alphabetical order. signed is sorted. Content-Type need not be signed, because some SDKs do
// not sign it.
func checkHeaders(h Header, dateHeader string, signed []string) error {
	var twice, unsigned []string
	for _, f := range h {
		required := f.Name == dateHeader || isAmz(f.Name)
		_, isSigned := slices.BinarySearch(signed, f.Name)
		if (required || isSigned) && h.hasSeveral(f.Name) {
			twice = append(twice, f.Name)
		}
		if required && !isSigned {
			unsigned = append(unsigned, f.Name)
		}
	}
	switch {
	case twice != nil:
		return invalid("The request has more than one '%s' header.", canonicalName(slices.Min(twice)))
	case !slices.Contains(signed, "host"):
		return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	case unsigned != nil:
		return invalid("'%s' must be a 'SignedHeader' in the AWS Authorization.", canonicalName(slices.Min(unsigned)))
	}
	return nil
}

// isAmz reports whether a header is an x-amz-* header. Headers that load balancers add, such as
// X-Amzn-Trace-Id, are not.
func isAmz(name string) bool { return strings.HasPrefix(name, "x-amz-") }

// canonicalName returns the name of a header as people write it: "X-Amz-Date".
func canonicalName(name string) string { return textproto.CanonicalMIMEHeaderKey(name) }

// checkPayload refuses the forms of Signature Version 4 that do not sign the body. payload is the
// digest of the body.
func checkPayload(h Header, payload digest) error {
	for _, f := range h {
		if f.Name == "content-encoding" && strings.Contains(strings.ToLower(f.Value), "aws-chunked") {
			return invalid("The content encoding 'aws-chunked' is not supported.")
		}
	}
	declared, found := h.First(contentSHA256)
	switch {
	case !found:
		return nil
	case declared == "UNSIGNED-PAYLOAD":
		return invalid("Unsigned payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body.")
	case strings.HasPrefix(declared, "STREAMING-"):
		return invalid("Streaming payloads are not supported: 'x-amz-content-sha256' must be the SHA-256 of the body.")
	case declared != string(payload[:]):
		return invalid("The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}
