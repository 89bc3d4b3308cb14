package sts

import (
	"strconv"
	"strings"
)

// A Fault is an error as the API has it on the wire.
type Fault struct {
	Code   string
	Status int // of HTTP
}

// faults is the one table from the kind of an error, as package key names it, to
// its code here and the HTTP status. Sources: the errors of the operations in the
// API reference, and "Common errors" there.
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

// FaultOf returns the error on the wire for a kind of error; what the table lacks
// is an internal failure.
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

// blame says whose fault it is.
func (f Fault) blame() string {
	if f.Status >= 500 {
		return "Receiver"
	}
	return "Sender"
}
