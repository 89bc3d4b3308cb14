package service

import (
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

var createKey = change("CreateKey", asks{{Action: "kms:CreateKey"}}, checkCreateKey,
	func(c *call, in *api.CreateKeyRequest) (*api.CreateKeyResponse, error) {
		k, err := newKey(c, in)
		if err != nil {
			return nil, err
		}
		if k.Origin == key.OriginAWSKMS {
			if k, err = c.generateMaterial(k); err != nil {
				return nil, err
			}
		}
		c.created = k.ARN()
		err = c.commit(func(tx *store.Tx) error {
			_, err := putKey(tx, k)
			return err
		})
		if err != nil {
			return nil, err
		}
		c.warnOfPolicy(k)
		m, err := c.describe(k)
		return &api.CreateKeyResponse{KeyMetadata: m}, err
	})

// checkCreateKey refuses what contradicts itself and what is not served yet.
func checkCreateKey(in *api.CreateKeyRequest, _ time.Time) error {
	spec := or(in.KeySpec, or(in.CustomerMasterKeySpec, string(key.SymmetricDefault)))
	usage := or(in.KeyUsage, string(key.EncryptDecrypt))
	origin := key.Origin(or(in.Origin, string(key.OriginAWSKMS)))
	switch {
	case in.KeySpec != nil && in.CustomerMasterKeySpec != nil:
		return key.Errorf(key.KindValidation, "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	case spec != string(key.SymmetricDefault):
		return key.Errorf(key.KindUnsupportedOperation, "Keys of the spec %s are not supported yet.", spec)
	case usage != string(key.EncryptDecrypt):
		return key.Errorf(key.KindValidation, "KeyUsage %s is not compatible with KeySpec %s", usage, spec)
	case origin != key.OriginAWSKMS && origin != key.OriginExternal, in.CustomKeyStoreId != nil, in.XksKeyId != nil:
		return key.Errorf(key.KindUnsupportedOperation, "Custom key stores are not supported.")
	}
	return nil
}

// newKey returns the key that the request describes, without material.
func newKey(c *call, in *api.CreateKeyRequest) (key.Key, error) {
	k := key.Key{
		ID:           uuid.NewString(),
		Account:      c.Caller.Principal.AccountID,
		Region:       c.Caller.Region,
		Spec:         key.SymmetricDefault,
		Usage:        key.EncryptDecrypt,
		Origin:       key.Origin(or(in.Origin, string(key.OriginAWSKMS))),
		State:        key.PendingImport,
		CreationDate: c.now.Truncate(time.Millisecond),
		Description:  or(in.Description, ""),
		Policy:       or(in.Policy, key.DefaultPolicy(c.Caller.Principal.AccountID)),
		Tags:         keyTags(in.Tags),
	}
	if or(in.MultiRegion, false) {
		k.ID, k.MultiRegion = key.MultiRegionID(k.ID), key.MultiRegion{Primary: k.Region}
	}
	if err := key.CheckTags(k.Tags); err != nil {
		return key.Key{}, err
	}
	return k, c.checkPolicy(k.Policy, k.Account, in.BypassPolicyLockoutSafetyCheck)
}

// generateMaterial returns the key with material that the server made.
func (c *call) generateMaterial(k key.Key) (given key.Key, err error) {
	crypt.Secretly(func() {
		material := crypt.NewSymmetricMaterial()
		defer clear(material)
		given, err = c.giveMaterial(k, material, time.Time{})
	})
	return given, err
}

// giveMaterial returns a new key with the material in it; a zero validTo is no
// expiry.
func (c *call) giveMaterial(k key.Key, material []byte, validTo time.Time) (key.Key, error) {
	id, err := crypt.MaterialID(k.ID, material)
	if err != nil {
		return key.Key{}, err
	}
	m, err := c.sealMaterial(k, id, material)
	if err != nil {
		return key.Key{}, err
	}
	m.ValidTo = validTo
	return k.ImportMaterial(m, nil)
}

// or returns what p points to, or the default.
func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
