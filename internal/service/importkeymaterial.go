package service

import (
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

var importKeyMaterial = change("ImportKeyMaterial",
	asks{{Action: "kms:ImportKeyMaterial", On: keyID("KeyId")}}, checkImport,
	func(c *call, in *api.ImportKeyMaterialRequest) (*api.ImportKeyMaterialResponse, error) {
		k := c.key()
		if err := checkExternal(k); err != nil {
			return nil, err
		}
		m, err := c.prepareImport(k, in)
		if err != nil {
			return nil, err
		}
		c.details.response = fmt.Appendf(nil, `{"keyId":%q,"keyMaterialId":%q}`, k.ARN(), m.ID)
		err = c.commitKey(func(k key.Key) (key.Key, error) { return withImport(k, m, in) })
		if err != nil {
			return nil, err
		}
		return &api.ImportKeyMaterialResponse{KeyId: new(k.ARN()), KeyMaterialId: &m.ID}, nil
	})

// checkImport checks the members against one another and against the time.
func checkImport(in *api.ImportKeyMaterialRequest, now time.Time) error {
	expires := or(in.ExpirationModel, api.ExpirationModelExpires) == api.ExpirationModelExpires
	var problem string
	switch {
	case expires && in.ValidTo == nil:
		problem = "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"
	case !expires && in.ValidTo != nil:
		problem = "A validTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE"
	case expires && !in.ValidTo.Time().After(now):
		return key.Errorf(key.KindValidation, "The validTo date must be in the future").OfClock()
	case expires && in.ValidTo.Time().After(now.Add(key.MaxValidity)):
		return key.Errorf(key.KindValidation, "The validTo date must be no more than 365 days in the future").OfClock()
	case or(in.ImportType, "") == api.ImportTypeNew && in.KeyMaterialId != nil:
		problem = "A KeyMaterialId must not be set if the ImportType is NEW_KEY_MATERIAL"
	default:
		return nil
	}
	return &key.Error{Kind: key.KindValidation, Message: problem}
}

// checkSymmetricMembers rejects members about several materials for a key that can have only
// one material.
func checkSymmetricMembers(k key.Key, in *api.ImportKeyMaterialRequest) error {
	var member string
	switch {
	case k.Spec == key.SymmetricDefault:
		return nil
	case in.ImportType != nil:
		member = "ImportType"
	case in.KeyMaterialId != nil:
		member = "KeyMaterialId"
	case in.KeyMaterialDescription != nil:
		member = "KeyMaterialDescription"
	default:
		return nil
	}
	return key.Errorf(key.KindValidation,
		"%s may be set for symmetric encryption keys only, and %s is of the spec %s", member, k.ARN(), k.Spec)
}

// withImport returns the key with the imported material, as new or as existing material.
// Without an ImportType, the first material of a key is new, and later material must be known
// to the key. A KeyMaterialId in the request names known material.
func withImport(k key.Key, m key.Material, in *api.ImportKeyMaterialRequest) (key.Key, error) {
	_, imported := k.Current()
	known := or(in.ImportType, "") == api.ImportTypeExisting || in.KeyMaterialId != nil
	fresh := or(in.ImportType, "") == api.ImportTypeNew
	switch {
	case known && !imported:
		return key.Key{}, key.Errorf(key.KindIncorrectKeyMaterial, "%s is not associated with any key material yet.", k.ARN())
	case fresh && k.IsReplica():
		return key.Key{}, key.Errorf(key.KindUnsupportedOperation,
			"%s is a multi-Region replica key: new key material is imported into its primary key, in %s, first.",
			k.ARN(), k.MultiRegion.Primary)
	case fresh:
		return k.ImportNewMaterial(m, in.KeyMaterialDescription)
	}
	return k.ImportMaterial(m, in.KeyMaterialDescription)
}

// prepareImport unwraps, checks and seals the material. It changes nothing.
func (c *call) prepareImport(k key.Key, in *api.ImportKeyMaterialRequest) (m key.Material, err error) {
	if err := checkSymmetricMembers(k, in); err != nil {
		return key.Material{}, err
	}
	crypt.Secretly(func() {
		var unwrapped []byte
		if unwrapped, err = c.unwrap(k, in); err != nil {
			return
		}
		defer clear(unwrapped)
		m, err = c.acceptMaterial(k, in, unwrapped)
	})
	return m, err
}

// acceptMaterial validates unwrapped material and seals it. The reason for a refusal appears
// only in the operator's log.
func (c *call) acceptMaterial(k key.Key, in *api.ImportKeyMaterialRequest, unwrapped []byte) (key.Material, error) {
	incorrect := key.Errorf(key.KindIncorrectKeyMaterial,
		"The key material in the request is not the key material that %s expects.", k.ARN())
	var material []byte
	err := c.compute(effortsOf[k.Spec].accepting, func() (err error) {
		material, err = crypt.Accept(string(k.Spec), unwrapped)
		return err
	})
	if bad, ok := errors.AsType[*crypt.BadMaterial](err); ok {
		return key.Material{}, incorrect.Because(bad)
	}
	if err != nil {
		return key.Material{}, err
	}
	defer clear(material)
	id, err := crypt.MaterialID(k.ID, material)
	if err != nil {
		return key.Material{}, err
	}
	if or(in.KeyMaterialId, id) != id {
		return key.Material{}, incorrect.Because(errors.New("it is not the material of the ID in the request"))
	}
	m := key.Material{ID: id}
	if in.ValidTo != nil {
		m.ValidTo = in.ValidTo.Time()
	}
	// Checked now, and not only in the commit, so that a refused import writes nothing.
	if _, err := withImport(k, m, in); err != nil {
		return key.Material{}, err
	}
	sealed, err := c.sealMaterial(k, id, material)
	sealed.ValidTo = m.ValidTo
	return sealed, err
}

// unwrap opens the token and unwraps the material with the wrapping key of the token.
func (c *call) unwrap(k key.Key, in *api.ImportKeyMaterialRequest) ([]byte, error) {
	t, err := c.openToken(in.ImportToken, k)
	if err != nil {
		return nil, err
	}
	defer clear(t.P)
	defer clear(t.Q)
	if err := c.wrappings.Permit(k, t.Algorithm, t.Spec); err != nil {
		return nil, err
	}
	if size := crypt.DirectSize(t.Algorithm, t.Spec); size > 0 && len(in.EncryptedKeyMaterial) != size {
		return nil, key.Errorf(key.KindValidation, "Invalid encrypted key size.")
	}
	var material []byte
	err = c.compute(brief, func() error {
		pair, err := crypt.RestoreWrappingKey(t.Spec, t.P, t.Q)
		if err != nil {
			return err
		}
		material, err = pair.Unwrap(t.Algorithm, in.EncryptedKeyMaterial)
		return err
	})
	if errors.Is(err, crypt.ErrUnwrap) {
		return nil, key.Errorf(key.KindInvalidCiphertext, "").Because(err)
	}
	return material, err
}
