package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// These texts of refusals select hints. Package sigv4 has the same texts.
const (
	saysMismatch = "The request signature we calculated does not match"
	saysExpired  = "Signature expired"
	saysEarly    = "Signature not yet current"
)

// hints return the conclusions from a report, and what to do.
func (e signatureReport) hints() []string {
	code, message := *e.ErrorCode, *e.ErrorMessage
	switch {
	case code == "UnrecognizedClientException":
		return []string{e.keyHint()}
	case strings.HasPrefix(message, saysExpired) || strings.HasPrefix(message, saysEarly):
		return []string{e.clockHint()}
	case len(*e.DeclaredPayloadHash) == 64 && *e.DeclaredPayloadHash != *e.PayloadHash:
		return []string{
			"The server received another body than the client signed: something on the way changes the body, or the client " +
				"hashes something else. Send exactly the signed body."}
	case strings.HasPrefix(message, saysMismatch) && e.rows == nil:
		return []string{
			"Form, scope, date, headers and payload are correct, and the server knows the access key ID. " +
				"So the client has another secret access key than the server, or it signed another text.",
			"To find out which, give the client's log with --client FILE (keyhold explain-signature --help).",
		}
	case strings.HasPrefix(message, saysMismatch):
		return e.differenceHints()
	}
	return []string{"The message describes the fault. The server found it before it checked the signature."}
}

func (e signatureReport) keyHint() string {
	switch {
	case slices.Contains(e.SignedHeaders, "x-amz-security-token"):
		return "The server issued no such session token for this access key: unset AWS_SESSION_TOKEN and use " +
			"the credentials of the server's banner, or get new temporary credentials."
	case *e.AccessKeyId == "[redacted]":
		return "The access key ID is as long as a secret access key, so it is not shown: check that the two are not swapped."
	}
	return fmt.Sprintf(
		"The server does not know the access key ID %q: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to the values "+
			"in its banner, or start the server with --any-credentials.", *e.AccessKeyId)
}

func (e signatureReport) clockHint() string {
	signed, err := time.Parse("20060102T150405Z", *e.Date)
	if err != nil {
		return "The date of the request cannot be read."
	}
	behind := e.RefusedAt.Time().Sub(signed).Round(time.Second)
	if behind > 0 {
		return fmt.Sprintf(
			"The request was signed %s before it arrived: the client's clock is slow, the server's clock is fast, or the "+
				"request was delayed. Set the clocks with NTP. (keyhold clock does not move this clock.)", behind)
	}
	return fmt.Sprintf(
		"The request was signed %s after it arrived: the client's clock is fast, or the server's clock is slow. Set the "+
			"clocks with NTP. (keyhold clock does not move this clock.)", -behind)
}

// differenceHints returns the hints that follow from the differences between client and server.
func (e signatureReport) differenceHints() []string {
	if e.same {
		return []string{
			"Both sides signed the same text. So the client and the server have different secret access keys for this " +
				"access key ID: set AWS_SECRET_ACCESS_KEY, and look for spaces around it."}
	}
	var different []string
	for _, r := range e.rows {
		if r.differs() {
			different = append(different, r.name)
		}
	}
	if slices.Equal(different, []string{"(hash of these)"}) {
		return []string{
			"All rows that can be shown are the same, but the hash is not: the value of a hidden header differs, such as " +
				"x-amz-security-token, or the spaces within a header differ."}
	}
	hints := []string{fmt.Sprintf("The first difference is %s.", different[0])}
	for _, d := range different {
		if advice := adviceOn(d); advice != "" {
			hints = append(hints, advice)
		}
	}
	return hints
}

// adviceOn returns the known cause of a difference, or "".
func adviceOn(difference string) string {
	for line := range strings.Lines(advices) {
		if name, advice, _ := strings.Cut(strings.TrimSpace(line), " | "); name == difference {
			return name + ": " + advice
		}
	}
	return ""
}

const advices = `
x-amz-date | this may be the log of another request: give the log of the refused request, or name the request with --request.
host | something between client and server changes Host, or the client signs another name than it calls: keep Host unchanged, with its port.
(payload hash) | the body was changed on the way, or the client does not sign the body that it sends.
(signed headers) | the client signs other headers than it lists, or something on the way rewrites Authorization.
content-length | something on the way changes the length of the body.
content-type | something on the way rewrites Content-Type.
path | the API is at "/": the endpoint must have no path.
query | the API takes no query string.
scope | the client signs for another Region or service than it declares.
user-agent | something on the way rewrites User-Agent: do not sign this header, or keep it unchanged.
`
