package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// An issuedSession is the part of a response of the STS API that describes the session.
type issuedSession struct {
	credentials *sts.Credentials
	packed      *int32 // the share of the limit of policies and tags that they use, in percent
	size        *int32 // of the token, in bytes
	utilization *int32 // the size of the token, in percent of the largest allowed
}

// maxPacked is the maximum size of session policies and session tags in a token, in bytes of
// their JSON.
const maxPacked = 5120

// issue makes temporary credentials for the session, valid for the given number of seconds from
// now.
func (c *call) issue(s identity.Session, seconds int32, least *int32) (issuedSession, error) {
	packed, err := packedSize(s)
	if err != nil {
		return issuedSession{}, err
	}
	var secret string
	s.AccessKeyID, secret = newAccessKey(sessionPrefix)
	s.Issued = c.now
	s.Expires = c.now.Add(time.Duration(seconds) * time.Second).Truncate(time.Second)
	token, err := c.sessionTokens.seal(sessionToken{Session: s, Secret: secret}, int(or(least, 0)))
	if err != nil {
		return issuedSession{}, err
	}
	if len(token) > maxSessionToken {
		return issuedSession{}, key.Errorf(key.KindPackedPolicyTooLarge,
			"The session token would be longer than %d characters.", maxSessionToken)
	}
	c.details.response = credentialsElements(s)
	return issuedSession{
		credentials: &sts.Credentials{
			AccessKeyId:     &s.AccessKeyID,
			SecretAccessKey: &secret,
			SessionToken:    &token,
			Expiration:      api.NewTimestamp(s.Expires),
		},
		packed:      packed,
		size:        new(int32(len(token))),
		utilization: new(percent(len(token), maxSessionToken)),
	}, nil
}

// packedSize returns the size of the session policies and tags in percent of maxPacked, or nil
// if there are none.
func packedSize(s identity.Session) (*int32, error) {
	if !s.IsLimited() && len(s.Tags) == 0 {
		return nil, nil
	}
	text, err := api.Encode(struct {
		Policies, ARNs []string
		Tags           []identity.Tag
	}{s.Policies, s.PolicyARNs, s.Tags})
	if err == nil && len(text) > maxPacked {
		err = key.Errorf(key.KindPackedPolicyTooLarge,
			"The session policies and session tags take %d%% of the room for them: shorten them.", percent(len(text), maxPacked))
	}
	return new(percent(len(text), maxPacked)), err
}

func percent(n, of int) int32 { return int32((n*100 + of - 1) / of) }

// credentialsElements returns the response elements of an event about credentials, without the
// secret and the token.
func credentialsElements(s identity.Session) []byte {
	type credentials struct {
		AccessKeyID string `json:"accessKeyId"`
		Expiration  string `json:"expiration"`
	}
	b, _ := api.Encode(struct {
		Credentials credentials `json:"credentials"`
	}{credentials{s.AccessKeyID, s.Expires.UTC().Format(time.RFC3339)}}) // no error: both are ASCII
	return b
}

// roleResource returns the role of a call as a resource for the event.
func roleResource(r identity.Role) audit.Resource {
	return audit.Resource{ARN: r.ARN(), AccountID: r.Account, Type: audit.RoleResource}
}
