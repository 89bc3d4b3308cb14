package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var getParametersForImport = query("GetParametersForImport",
	asks{{Action: "kms:GetParametersForImport", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.GetParametersForImportRequest) (*api.GetParametersForImportResponse, error) {
		k := c.key()
		if err := checkExternal(k); err != nil {
			return nil, err
		}
		if err := c.wrappings.Permit(k, *in.WrappingAlgorithm, *in.WrappingKeySpec); err != nil {
			return nil, err
		}
		pair, err := c.wrappingKeys.Take(c.ctx, payer(&c.Caller.Principal), *in.WrappingKeySpec)
		if err != nil {
			return nil, err
		}
		public, err := pair.PublicKey()
		if err != nil {
			return nil, err
		}
		t := importToken{
			KeyARN:    k.ARN(),
			Algorithm: *in.WrappingAlgorithm,
			Spec:      *in.WrappingKeySpec,
			NotAfter:  c.now.Add(tokenValidity),
		}
		t.P, t.Q = pair.Primes()
		token, err := c.sealToken(t)
		if err != nil {
			return nil, err
		}
		return &api.GetParametersForImportResponse{
			KeyId:             new(k.ARN()),
			ImportToken:       token,
			PublicKey:         public,
			ParametersValidTo: timestamp(t.NotAfter),
		}, nil
	})

// checkExternal refuses the import operations on keys whose material the server generates.
func checkExternal(k key.Key) error {
	if k.Origin != key.OriginExternal {
		return k.WrongOrigin()
	}
	return nil
}
