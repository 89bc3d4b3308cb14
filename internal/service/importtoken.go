package service

import (
	"encoding/binary"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
)

// tokenValidity is how long the parameters of an import may be used.
const tokenValidity = 24 * time.Hour

// An importToken is what an import token says, sealed, to whoever imports: it
// holds the wrapping key pair itself, so nothing is kept per request and a
// failed import changes nothing.
type importToken struct {
	KeyARN    string    `json:"keyArn"`
	Algorithm string    `json:"algorithm"`
	Spec      string    `json:"spec"` // of the wrapping key
	P         []byte    `json:"p"`    // its primes
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
	payload, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	defer clear(payload)
	header := binary.BigEndian.AppendUint64([]byte{tokenVersion}, uint64(hour))
	return crypt.SealToken(tokenKey, header, payload)
}

// openToken opens a token and holds every field of it that concerns the key
// against it, before anything is unwrapped.
func (c *call) openToken(token []byte, k key.Key) (importToken, error) {
	invalid := key.Errorf(key.KindInvalidImportToken, "The import token is not valid for this key.")
	if len(token) < minTokenSize || token[0] != tokenVersion {
		return importToken{}, invalid
	}
	hour := int64(binary.BigEndian.Uint64(token[1:tokenHeaderSize]))
	if hour < material.HourOf(c.now)-records.TokenKeyHours {
		return importToken{}, errTokenExpired // and its key is destroyed
	}
	tokenKey, err := c.tokenKeys.ForOpening(c.ctx, hour)
	if err != nil {
		return importToken{}, err
	}
	if tokenKey == nil {
		return importToken{}, invalid
	}
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

var errTokenExpired = key.Errorf(key.KindExpiredImportToken, "The import token has expired. Get a new import token and wrapping public key with GetParametersForImport, and wrap the key material again.").OfClock()
