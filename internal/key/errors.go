package key

import "fmt"

// A Kind is the API's name of an error. A table in package server gives each Kind its HTTP status.
type Kind string

// The errors of the KMS API that operations and request checks return.
const (
	KindAccessDenied               Kind = "AccessDeniedException"
	KindAlreadyExists              Kind = "AlreadyExistsException"
	KindConflict                   Kind = "ConflictException"
	KindCustomKeyStoreNotFound     Kind = "CustomKeyStoreNotFoundException"
	KindDependencyTimeout          Kind = "DependencyTimeoutException"
	KindDisabled                   Kind = "DisabledException"
	KindDryRunOperation            Kind = "DryRunOperationException"
	KindExpiredImportToken         Kind = "ExpiredImportTokenException"
	KindExpiredToken               Kind = "ExpiredTokenException"
	KindIncompleteSignature        Kind = "IncompleteSignatureException"
	KindIncorrectKey               Kind = "IncorrectKeyException"
	KindIncorrectKeyMaterial       Kind = "IncorrectKeyMaterialException"
	KindInvalidAliasName           Kind = "InvalidAliasNameException"
	KindInvalidArn                 Kind = "InvalidArnException"
	KindInvalidCiphertext          Kind = "InvalidCiphertextException"
	KindInvalidGrantId             Kind = "InvalidGrantIdException"
	KindInvalidGrantToken          Kind = "InvalidGrantTokenException"
	KindInvalidImportToken         Kind = "InvalidImportTokenException"
	KindInvalidKeyUsage            Kind = "InvalidKeyUsageException"
	KindInvalidMac                 Kind = "KMSInvalidMacException"
	KindInvalidMarker              Kind = "InvalidMarkerException"
	KindInvalidSignature           Kind = "InvalidSignatureException"
	KindInvalidState               Kind = "KMSInvalidStateException"
	KindKMSInvalidSignature        Kind = "KMSInvalidSignatureException"
	KindLimitExceeded              Kind = "LimitExceededException"
	KindMalformedPolicyDocument    Kind = "MalformedPolicyDocumentException"
	KindMissingAuthenticationToken Kind = "MissingAuthenticationTokenException"
	KindNotFound                   Kind = "NotFoundException"
	KindSerialization              Kind = "SerializationException"
	KindTag                        Kind = "TagException"
	KindThrottling                 Kind = "ThrottlingException"
	KindUnknownOperation           Kind = "UnknownOperationException"
	KindUnrecognizedClient         Kind = "UnrecognizedClientException"
	KindUnsupportedOperation       Kind = "UnsupportedOperationException"
	KindValidation                 Kind = "ValidationException"
)

// The errors that only operations of the STS API return. Where the STS and KMS APIs use one name for different
// errors, the Kinds differ.
const (
	KindExpiredWebIdentityToken Kind = "ExpiredWebIdentityToken" // unlike ExpiredTokenException, not a session token
	KindIDPCommunicationError   Kind = "IDPCommunicationError"
	KindIDPRejectedClaim        Kind = "IDPRejectedClaim"
	KindInvalidAction           Kind = "InvalidAction"
	KindInvalidIdentityToken    Kind = "InvalidIdentityToken"
	KindPackedPolicyTooLarge    Kind = "PackedPolicyTooLarge"
)

// An Error is a refusal that the caller may see. Message is sent to the client unchanged, so it must not
// contain key material, secrets, or which step of an unwrap failed. Cause goes only to the operator's log.
type Error struct {
	Kind    Kind
	Message string
	Cause   error

	// ByClock says that another time on the clock of keys could make the request succeed.
	ByClock bool
}

// Errorf returns an Error of the given kind with a formatted message.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because sets the cause that the operator's log shows.
func (e *Error) Because(cause error) *Error {
	e.Cause = cause
	return e
}

// OfClock says that the Error depends on the clock of keys.
func (e *Error) OfClock() *Error {
	e.ByClock = true
	return e
}

func (e *Error) Error() string {
	if e.Message == "" {
		return string(e.Kind)
	}
	return string(e.Kind) + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Cause }
