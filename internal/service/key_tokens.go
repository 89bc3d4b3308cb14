package service

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
)

// tokenValidity is how long the parameters of an import are valid.
const tokenValidity = 24 * time.Hour

// An importToken is the sealed content of an import token. It contains the wrapping key pair, so
// that the server keeps nothing per request and a failed import changes nothing.
type importToken struct {
	KeyARN    string    `json:"keyArn"`
	Algorithm string    `json:"algorithm"`
	Spec      string    `json:"spec"` // of the wrapping key
	P         []byte    `json:"p"`    // the primes of the wrapping key
	Q         []byte    `json:"q"`
	NotAfter  time.Time `json:"notAfter"`
}

// On the wire a token is: version (1 byte, 1), the hour of its token key (8
// bytes, big-endian, hours since 1970), nonce (12 bytes), the JSON of
// importToken encrypted with AES-256-GCM, tag (16 bytes).
const (
	tokenVersion    = 1
	tokenHeaderSize = 1 + 8
	minTokenSize    = tokenHeaderSize + 12 + 16
)

func (c *call) sealToken(t importToken) ([]byte, error) {
	hour := material.HourOf(c.now)
	tokenKey, err := c.tokenKeys.ForSealing(c.ctx, hour)
	if err != nil {
		return nil, err
	}
	defer clear(tokenKey)
	payload, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	defer clear(payload)
	header := binary.BigEndian.AppendUint64([]byte{tokenVersion}, uint64(hour))
	return crypt.SealToken(tokenKey, header, payload)
}

// openToken opens a token and compares its fields with the key, before any material is
// unwrapped.
func (c *call) openToken(token []byte, k key.Key) (importToken, error) {
	invalid := key.Errorf(key.KindInvalidImportToken, "The import token is not valid for this key.")
	if len(token) < minTokenSize || token[0] != tokenVersion {
		return importToken{}, invalid
	}
	hour := int64(binary.BigEndian.Uint64(token[1:tokenHeaderSize]))
	if hour < material.HourOf(c.now)-records.TokenKeyHours {
		return importToken{}, errTokenExpired // the server has destroyed the key of such a token
	}
	tokenKey, err := c.tokenKeys.ForOpening(c.ctx, hour)
	if err != nil {
		return importToken{}, err
	}
	if tokenKey == nil {
		return importToken{}, invalid
	}
	defer clear(tokenKey)
	payload, err := crypt.OpenToken(tokenKey, token, tokenHeaderSize)
	if err != nil {
		return importToken{}, invalid.Because(err)
	}
	defer clear(payload)
	var t importToken
	if err := json.Unmarshal(payload, &t); err != nil {
		return importToken{}, err
	}
	switch {
	case t.KeyARN != k.ARN():
		return importToken{}, invalid
	case !c.now.Before(t.NotAfter):
		return importToken{}, errTokenExpired
	}
	return t, nil
}

var errTokenExpired = key.Errorf(key.KindExpiredImportToken, "The import token has expired. "+
	"Get a new import token and wrapping public key with GetParametersForImport, "+
	"and wrap the key material again.").OfClock()

// A grant token is the path of a grant, sealed by the deployment and encoded in base64.
// Therefore the server stores nothing for a token, each token is different, any node can read
// it, and only the deployment can make one. A token allows nothing by itself: its grant must
// exist.

var errGrantToken = key.Errorf(key.KindInvalidGrantToken, "The grant token is not valid.")

// errOldGrantToken is the error of a grant token whose data key was destroyed.
var errOldGrantToken = key.Errorf(key.KindInvalidGrantToken, "The grant token is not valid.").Because(seal.ErrDestroyed)

func (s *Service) sealGrantToken(g key.Grant) (string, error) {
	sealed, err := s.grantTokens.Seal(nil, []byte(records.GrantPath(g)))
	return base64.StdEncoding.EncodeToString(sealed), err
}

// openGrantToken returns the key and the ID of the grant that a token names. The grant may have
// been removed.
func (s *Service) openGrantToken(token string) (on key.Reference, id string, err error) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") {
		return key.Reference{}, "", errGrantToken
	}
	path, err := s.grantTokens.Open(nil, sealed)
	if errors.Is(err, seal.ErrDestroyed) {
		return key.Reference{}, "", errOldGrantToken
	}
	if err != nil {
		return key.Reference{}, "", errGrantToken
	}
	parts := strings.Split(string(path), "/")
	return key.Reference{Account: parts[0], Region: parts[1], KeyID: parts[2]}, parts[3], nil
}

// readGrantTokens reads the grants that the tokens of the request name. It accepts a grant on
// another key or in another Region, because programs that use several keys send all their
// tokens with each request.
func (c *call) readGrantTokens() error {
	c.grants = nil
	member := c.Operation.shape.Field(c.Input, "GrantTokens")
	if !member.IsValid() {
		return nil
	}
	for _, token := range member.Interface().([]string) {
		on, id, err := c.openGrantToken(token)
		if err == errOldGrantToken {
			continue // a program may use a token for years, whose grant allows the same without it by now
		}
		if err != nil {
			return err
		}
		g, ok, err := read(c.source(), records.Grants, records.KeyPath(on.Account, on.Region, on.KeyID)+"/"+id)
		if err != nil || !ok {
			return firstOf(err, errGrantToken)
		}
		c.grants = append(c.grants, g)
	}
	return nil
}
