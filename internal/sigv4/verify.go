package sigv4

import (
	"context"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// decoySecret replaces the secret of an access key that does not exist, so that an unknown access
// key costs the same time as a wrong signature. No signature is accepted with it.
const decoySecret = "0000000000000000000000000000000000000000"

// A Config configures a Verifier. Lookup, Regions and Now must be set.
type Config struct {
	Lookup  identity.Lookup          // finds an access key by its ID
	Regions func(region string) bool // reports whether a well-formed Region is served
	Now     func() time.Time         // returns wall time

	// Sessions, if set, finds the access key of temporary credentials by their session token.
	Sessions identity.Lookup

	// Admit, if set, returns the principal of an access key that Lookup does not find, so that
	// its signature cannot be verified. It is for tests only: with Admit, every caller can
	// claim any identity.
	Admit func(accessKeyID string) identity.Principal
}

// A Verifier verifies Signature Version 4 of requests. It is safe for concurrent use.
type Verifier struct {
	config Config
	keys   signingKeys
}

// NewVerifier returns a Verifier with the given Config.
func NewVerifier(c Config) *Verifier { return &Verifier{config: c, keys: newSigningKeys()} }

// Verify returns the caller who signed a request to a service, "kms" or "sts", with the given
// body, exactly as it was received. A refusal is a key.Error. Any other error comes from the
// Lookup and means that the signature could not be checked.
//
// The order of checks is a promise:
//
//  1. presence: not a presigned request (IncompleteSignature), an Authorization
//     header (MissingAuthenticationToken);
//  2. form: algorithm, parameters, a date, the target "/" (IncompleteSignature);
//  3. scope: terminator, service, Region;
//  4. date: the date of the scope, and within 5 minutes of wall time, inclusive;
//  5. headers: each given once, all required headers signed, all signed headers present;
//  6. payload: signed as the SHA-256 of the body (3 to 6: InvalidSignature);
//  7. key: a known access key ID, or a session token and the ID that it is for
//     (UnrecognizedClient);
//  8. signature (InvalidSignature);
//  9. session: not expired (ExpiredToken).
//
// With Admit, an unknown access key ID passes 7 and 8, with any session token. A known access
// key ID with an unknown session token does not.
//
// Before 7, nothing depends on whether an access key exists. An ID that does not exist costs
// the same work as a wrong signature.
func (v *Verifier) Verify(ctx context.Context, r *Request, body []byte, service string) (identity.Caller, error) {
	a, date, err := parseClaim(r)
	if err != nil {
		return identity.Caller{}, err
	}
	if err := v.checkScope(a.scope, service); err != nil {
		return identity.Caller{}, err
	}
	if err := checkDate(date, a.scope.date, v.config.Now()); err != nil {
		return identity.Caller{}, err
	}
	signed, err := buildStringToSign(r, body, a, date)
	if err != nil {
		return identity.Caller{}, err
	}
	p, err := v.signer(ctx, r, a, signed)
	if err != nil {
		return identity.Caller{}, err
	}
	return identity.Caller{Principal: p, Region: a.scope.region, SignedAt: date.time}, nil
}

// parseClaim returns the claims of a well-formed request about its signature.
func parseClaim(r *Request) (a authorization, date stamp, err error) {
	if isPresigned(r.Target) {
		return a, date, incomplete("Presigned requests are not supported: sign with the 'Authorization' header.")
	}
	if a, err = parseAuthorization(r.Header); err != nil {
		return a, date, err
	}
	if date, err = parseStamp(r.Header); err != nil {
		return a, date, err
	}
	if !isRoot(r.Target) {
		return a, date, incomplete("The request must be for the path '/' without a query string.")
	}
	return a, date, nil
}

func (v *Verifier) checkScope(s scope, service string) error {
	switch {
	case s.terminator != terminator:
		return invalid("Credential should be scoped with a valid terminator: '%s'.", terminator)
	case s.service != service:
		return invalid("Credential should be scoped to correct service: '%s'.", service)
	case !key.ValidRegion(s.region) || !v.config.Regions(s.region):
		return ErrRegion
	}
	return nil
}

// ErrRegion refuses a request for a Region that is not served.
var ErrRegion = invalid("Credential should be scoped to a valid region.")

// buildStringToSign checks headers and payload, and returns the text over which the signature must
// be computed.
func buildStringToSign(r *Request, body []byte, a authorization, date stamp) ([]byte, error) {
	if err := checkHeaders(r.Header, date.header, a.signedHeaders); err != nil {
		return nil, err
	}
	payload := digestOf(body)
	canonical, err := canonicalDigest(r, a.signedHeaders, payload)
	if err != nil {
		return nil, err
	}
	if err := checkPayload(r.Header, payload); err != nil {
		return nil, err
	}
	return stringToSign(date.text, a.scope, canonical), nil
}

// signer returns the principal whose access key made the signature of the text signed.
func (v *Verifier) signer(ctx context.Context, r *Request, a authorization, signed []byte) (identity.Principal, error) {
	k, known, err := v.find(ctx, r, a.accessKeyID)
	if err != nil {
		return identity.Principal{}, fmt.Errorf("look up an access key: %w", err)
	}
	if !known && v.config.Admit != nil {
		return v.admit(ctx, a)
	}
	secret := k.Secret.Reveal()
	if !known || secret == "" { // an empty secret is known to everybody
		known, secret = false, decoySecret
	}
	genuine := v.keys.get(derivation{secret, a.scope.date, a.scope.region, a.scope.service}).verifies(a.signature, signed)
	switch {
	case !known:
		return identity.Principal{}, unrecognized()
	case !genuine:
		return identity.Principal{}, invalid("The request signature we calculated does not match the signature you " +
			"provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for " +
			"details.")
	case k.Expired:
		return identity.Principal{}, key.Errorf(key.KindExpiredToken,
			"The security token included in the request is expired").OfClock()
	}
	return signedBy(k.Principal, a), nil
}

// find returns the access key of a request. A session token in the request must belong to the
// access key ID.
func (v *Verifier) find(ctx context.Context, r *Request, id string) (k identity.AccessKey, known bool, err error) {
	token, found := r.Header.First(securityToken)
	switch {
	case !found:
		return v.config.Lookup(ctx, id)
	case v.config.Sessions == nil:
		return identity.AccessKey{}, false, nil
	}
	k, known, err = v.config.Sessions(ctx, token)
	return k, known && k.ID == id, err
}

// admit accepts an access key that Lookup does not find. It refuses a known access key whose
// session token is unknown.
func (v *Verifier) admit(ctx context.Context, a authorization) (identity.Principal, error) {
	_, known, err := v.config.Lookup(ctx, a.accessKeyID)
	switch {
	case err != nil:
		return identity.Principal{}, fmt.Errorf("look up an access key: %w", err)
	case known:
		return identity.Principal{}, unrecognized()
	}
	return signedBy(v.config.Admit(a.accessKeyID), a), nil
}

// signedBy returns the principal with the access key that signed for it.
func signedBy(p identity.Principal, a authorization) identity.Principal {
	p.AccessKeyID = a.accessKeyID
	return p
}

func unrecognized() error {
	return key.Errorf(key.KindUnrecognizedClient, "The security token included in the request is invalid.")
}
