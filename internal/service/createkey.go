package service

import (
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var createKey = change("CreateKey",
	asks{{Action: "kms:CreateKey"}, {Action: "kms:TagResource", On: tagged((*call).region)}}, checkCreateKey,
	func(c *call, in *api.CreateKeyRequest) (*api.CreateKeyResponse, error) {
		k, err := newKey(c, in)
		if err != nil {
			return nil, err
		}
		if err := records.Keys.Room(c.ctx, c.store, records.PathOf(k)); err != nil {
			return nil, quotaExceeded(err)
		}
		if k.Origin == key.OriginAWSKMS {
			if k, err = c.generateMaterial(k); err != nil {
				return nil, err
			}
		}
		c.created = k.ARN()
		err = c.commit(func(tx *store.Tx) error { return records.InsertKey(tx, k, c.level()) })
		if err != nil {
			return nil, err
		}
		m, err := c.describe(k)
		return &api.CreateKeyResponse{KeyMetadata: m}, err
	})

// checkCreateKey rejects members that contradict one another, and keys that are not supported.
func checkCreateKey(in *api.CreateKeyRequest, _ time.Time) error {
	origin := key.Origin(or(in.Origin, string(key.OriginAWSKMS)))
	switch {
	case in.KeySpec != nil && in.CustomerMasterKeySpec != nil:
		return key.Errorf(key.KindValidation,
			"You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	case origin != key.OriginAWSKMS && origin != key.OriginExternal, in.CustomKeyStoreId != nil, in.XksKeyId != nil:
		return key.Errorf(key.KindUnsupportedOperation, "Custom key stores are not supported.")
	}
	_, err := suiteFor(in)
	return err
}

// suiteFor returns the suite of the key that the request describes.
func suiteFor(in *api.CreateKeyRequest) (key.Suite, error) {
	spec := or(in.KeySpec, or(in.CustomerMasterKeySpec, string(key.SymmetricDefault)))
	origin := or(in.Origin, string(key.OriginAWSKMS))
	return key.ChooseSuite(key.Spec(spec), key.Usage(or(in.KeyUsage, "")), key.Origin(origin))
}

// region returns the Region in which CreateKey creates the key: the Region of the caller.
func (c *call) region(any) string { return c.Caller.Region }

// newKey returns the key that the request describes, without material.
func newKey(c *call, in *api.CreateKeyRequest) (key.Key, error) {
	suite, err := suiteFor(in)
	if err != nil {
		return key.Key{}, err
	}
	k := key.Key{
		ID:           uuid.NewString(),
		Account:      c.Caller.Principal.AccountID,
		Region:       c.Caller.Region,
		Spec:         suite.Spec,
		Usage:        suite.Usage,
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
	return k, c.hold(func() error { return c.checkPolicy(k.Policy, k, in.BypassPolicyLockoutSafetyCheck) })
}

// generateMaterial returns the key with material that the server made.
func (c *call) generateMaterial(k key.Key) (given key.Key, err error) {
	material, err := c.generate(k.Spec)
	if err != nil {
		return key.Key{}, err
	}
	defer clear(material)
	crypt.Secretly(func() { given, err = c.giveMaterial(k, material, time.Time{}) })
	return given, err
}

// giveMaterial returns the new key with the material in it. A zero validTo means that the
// material does not expire.
func (c *call) giveMaterial(k key.Key, material []byte, validTo time.Time) (key.Key, error) {
	m, err := c.sealNew(k, material)
	if err != nil {
		return key.Key{}, err
	}
	m.ValidTo = validTo
	return k.ImportMaterial(m, nil)
}

// sealNew seals material and computes its ID.
func (c *call) sealNew(k key.Key, material []byte) (key.Material, error) {
	id, err := crypt.MaterialID(k.ID, material)
	if err != nil {
		return key.Material{}, err
	}
	return c.sealMaterial(k, id, material)
}
