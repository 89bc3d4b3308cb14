package service

import (
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var getParametersForImport = query("GetParametersForImport", asks{{"kms:GetParametersForImport", keyID("KeyId")}}, nil,
	func(c *call, in *api.GetParametersForImportRequest) (*api.GetParametersForImportResponse, error) {
		k := c.key()
		if err := checkExternal(k); err != nil {
			return nil, err
		}
		if err := checkWrapping(k, *in.WrappingAlgorithm, *in.WrappingKeySpec); err != nil {
			return nil, err
		}
		pair, err := c.wrappingKeys.take(*in.WrappingKeySpec)
		if err != nil {
			return nil, err
		}
		public, err := pair.PublicKey()
		if err != nil {
			return nil, err
		}
		t := importToken{KeyARN: k.ARN(), Algorithm: *in.WrappingAlgorithm, Spec: *in.WrappingKeySpec, NotAfter: c.now.Add(tokenValidity)}
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

// checkExternal refuses the import operations on keys whose material the server
// makes.
func checkExternal(k key.Key) error {
	if k.Origin != key.OriginExternal {
		return k.WrongOrigin()
	}
	return nil
}

// checkWrapping tells whether material of the key may be wrapped so. Symmetric
// material is wrapped with RSAES_OAEP: RSA_AES_KEY_WRAP is documented for RSA
// and ECC material only, RSAES_PKCS1_V1_5 ended in October 2023, and SM2 is of
// the China Regions.
func checkWrapping(k key.Key, algorithm, wrappingKeySpec string) error {
	if k.Spec != key.SymmetricDefault {
		return key.Errorf(key.KindUnsupportedOperation, "Importing key material of the spec %s is not supported yet.", k.Spec)
	}
	if !strings.HasPrefix(algorithm, "RSAES_OAEP_") || wrappingKeySpec == api.WrappingKeySM2 {
		return key.Errorf(key.KindUnsupportedOperation, "The wrapping algorithm %s with a wrapping key of the spec %s is not supported for key material of the spec %s.", algorithm, wrappingKeySpec, k.Spec)
	}
	return nil
}
