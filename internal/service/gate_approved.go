package service

import (
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// takesMaterial lists the operations, besides the cryptographic ones, that compute with the material of their key.
var takesMaterial = strings.Fields("GetParametersForImport GetPublicKey ImportKeyMaterial")

// approvedOnly makes the operation refuse requests for algorithms and key specs that are not approved, and the use of
// keys whose spec is not.
func (o Operation) approvedOnly(approved func(name string) bool) Operation {
	run := o.run
	o.run = func(c *call, in any) (any, error) {
		names := o.shape.Algorithms(in)
		if o.usesMaterial {
			for _, k := range c.keys {
				names = append(names, string(k.Spec))
			}
		}
		for _, name := range names {
			if !approved(name) {
				return nil, key.Errorf(key.KindUnsupportedOperation, "%s is not supported in FIPS mode.", name)
			}
		}
		return run(c, in)
	}
	return o
}
