package sts

import (
	"strconv"
	"strings"
)

// A Fault is an error as it appears on the wire.
type Fault struct {
	Code   string
	Status int // HTTP status
}

// faults maps the kinds of errors in package key to error codes and HTTP statuses. Sources: the errors of the
// operations in the API reference, and "Common errors" in the same reference.
const faults = `
AccessDeniedException               AccessDenied                403
ExpiredTokenException               ExpiredToken                403
ExpiredWebIdentityToken             ExpiredTokenException       400
IDPCommunicationError               IDPCommunicationError       400
IDPRejectedClaim                    IDPRejectedClaim            403
IncompleteSignatureException        IncompleteSignature         400
InvalidAction                       InvalidAction               400
InvalidIdentityToken                InvalidIdentityToken        400
InvalidSignatureException           SignatureDoesNotMatch       403
MalformedPolicyDocumentException    MalformedPolicyDocument     400
MissingAuthenticationTokenException MissingAuthenticationToken  403
PackedPolicyTooLarge                PackedPolicyTooLarge        400
SerializationException              MalformedInput              400
ThrottlingException                 Throttling                  400
UnrecognizedClientException         InvalidClientTokenId        403
ValidationException                 ValidationError             400
`

// Kinds returns the kinds of errors in the table.
func Kinds() (kinds []string) {
	for line := range strings.Lines(faults) {
		if f := strings.Fields(line); len(f) == 3 {
			kinds = append(kinds, f[0])
		}
	}
	return kinds
}

// FaultOf returns the Fault for a kind of error. Kinds that the table lacks are internal failures.
func FaultOf(kind string) Fault {
	for line := range strings.Lines(faults) {
		f := strings.Fields(line)
		if len(f) == 3 && f[0] == kind {
			status, _ := strconv.Atoi(f[2])
			return Fault{f[1], status}
		}
	}
	return Fault{"InternalFailure", 500}
}

// blame returns which side caused the error.
func (f Fault) blame() string {
	if f.Status >= 500 {
		return "Receiver"
	}
	return "Sender"
}
