package service

import (
	"encoding/base64"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

// A grant token is, in base64, the path of a grant under the seal of the
// deployment. So nothing is kept of it, each is another one, any node knows what
// it names, and nobody can make one. It allows nothing by itself: it points to a
// grant that must be there.

var errGrantToken = key.Errorf(key.KindInvalidGrantToken, "The grant token is not valid.")

func (s *Service) sealGrantToken(g key.Grant) (string, error) {
	sealed, err := s.grantTokens.Seal(nil, []byte(records.GrantPath(g)))
	return base64.StdEncoding.EncodeToString(sealed), err
}

// openGrantToken returns the key that the grant of a token is on, and its ID. The
// grant may have been removed.
func (s *Service) openGrantToken(token string) (on key.Reference, id string, err error) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") {
		return key.Reference{}, "", errGrantToken
	}
	path, err := s.grantTokens.Open(nil, sealed)
	if err != nil {
		return key.Reference{}, "", errGrantToken
	}
	parts := strings.Split(string(path), "/")
	return key.Reference{Account: parts[0], Region: parts[1], KeyID: parts[2]}, parts[3], nil
}

// readGrantTokens finds the grants that the tokens of the request name. A grant
// on another key, or in another Region, is no obstacle: programs that use several
// keys send all their tokens with each request.
func (c *call) readGrantTokens() error {
	c.grants = nil
	member := c.Operation.shape.Field(c.Input, "GrantTokens")
	if !member.IsValid() {
		return nil
	}
	for _, token := range member.Interface().([]string) {
		on, id, err := c.openGrantToken(token)
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
