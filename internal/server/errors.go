package server

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
)

const kindInternal key.Kind = "KMSInternalException"

// internalError returns the error for clients if the real error has no Kind.
func internalError(err error) *key.Error {
	return key.Errorf(kindInternal, "%s", service.InternalMessage(err))
}

// statuses maps each Kind to its HTTP status. The service answers 400 to all errors of the client, whatever the
// model of its API says. Clients go by the name of the error, and would retry after a 5xx status.
const statuses = `
AccessDeniedException                400
AlreadyExistsException               400
ConflictException                    400
CustomKeyStoreNotFoundException      400
DependencyTimeoutException           503
DisabledException                    400
DryRunOperationException             400
ExpiredImportTokenException          400
ExpiredTokenException                400
IncompleteSignatureException         400
IncorrectKeyException                400
IncorrectKeyMaterialException        400
InvalidAliasNameException            400
InvalidArnException                  400
InvalidCiphertextException           400
InvalidGrantIdException              400
InvalidGrantTokenException           400
InvalidImportTokenException          400
InvalidKeyUsageException             400
InvalidMarkerException               400
InvalidSignatureException            400
KMSInternalException                 500
KMSInvalidMacException               400
KMSInvalidSignatureException         400
KMSInvalidStateException             400
LimitExceededException               400
MalformedPolicyDocumentException     400
MissingAuthenticationTokenException  400
NotFoundException                    400
SerializationException               400
TagException                         400
ThrottlingException                  400
UnknownOperationException            400
UnrecognizedClientException          400
UnsupportedOperationException        400
ValidationException                  400
`

// Codes returns the names of all errors of the KMS protocol, and then the kinds of errors that only the query protocol
// has.
func Codes() (names []string) {
	for line := range strings.Lines(statuses) {
		if f := strings.Fields(line); len(f) == 2 {
			names = append(names, f[0])
		}
	}
	for _, kind := range sts.Kinds() {
		if !slices.Contains(names, kind) {
			names = append(names, kind)
		}
	}
	return names
}

// status returns the HTTP status of a Kind, or 500 if the table lacks the Kind.
func status(kind key.Kind) int {
	for line := range strings.Lines(statuses) {
		f := strings.Fields(line)
		if len(f) == 2 && f[0] == string(kind) {
			code, _ := strconv.Atoi(f[1])
			return code
		}
	}
	return http.StatusInternalServerError
}

// errorBody is the body of an error in awsJson1.1.
type errorBody struct {
	Type    string `json:"__type"`
	Message string `json:"message"`
}

// errorResponse returns the response for an error of the KMS protocol.
func errorResponse(id string, e *key.Error) response {
	body, err := api.Encode(errorBody{string(e.Kind), e.Message})
	if err != nil { // the message contains invalid UTF-8 from the client
		body = fmt.Appendf(nil, `{"__type":%q,"message":""}`, string(e.Kind))
	}
	return response{
		status: status(e.Kind), contentType: jsonType, body: body, requestID: id, errorType: string(e.Kind),
	}
}
