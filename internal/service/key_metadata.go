package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// metadata returns the metadata that the API shows of a key, without its related keys.
func metadata(k key.Key) *api.KeyMetadata {
	m := &api.KeyMetadata{
		AWSAccountId:          &k.Account,
		KeyId:                 &k.ID,
		Arn:                   new(k.ARN()),
		CreationDate:          timestamp(k.CreationDate),
		Enabled:               k.State == key.Enabled,
		Description:           &k.Description,
		KeyUsage:              new(string(k.Usage)),
		KeyState:              new(string(k.State)),
		DeletionDate:          timestamp(k.DeletionDate),
		Origin:                new(string(k.Origin)),
		KeyManager:            new("CUSTOMER"),
		KeySpec:               new(string(k.Spec)),
		CustomerMasterKeySpec: new(string(k.Spec)),
		MultiRegion:           new(k.IsMultiRegion()),

		EncapsulationAlgorithms: algorithmsFor(k, key.EncapsulateDecapsulate),
		EncryptionAlgorithms:    algorithmsFor(k, key.EncryptDecrypt),
		KeyAgreementAlgorithms:  algorithmsFor(k, key.KeyAgreement),
		MacAlgorithms:           algorithmsFor(k, key.GenerateVerifyMAC),
		SigningAlgorithms:       algorithmsFor(k, key.SignVerify),
	}
	if k.State == key.PendingReplicaDeletion {
		m.PendingDeletionWindowInDays = new(int32(k.MultiRegion.DeletionWindow))
	}
	if current, ok := k.Current(); ok && k.Spec == key.SymmetricDefault {
		m.CurrentKeyMaterialId = &current.ID
	}
	if model, validTo, ok := k.Expiration(); ok && k.Origin == key.OriginExternal {
		m.ExpirationModel = new(string(model))
		m.ValidTo = timestamp(validTo)
	}
	return m
}

// algorithmsFor returns the algorithms of a key if the key has the usage, or nil.
func algorithmsFor(k key.Key, usage key.Usage) []string {
	if k.Usage != usage {
		return nil
	}
	return k.Suite().Algorithms
}

// timestamp returns t for the wire, or nil for the zero time.
func timestamp(t time.Time) *api.Timestamp {
	if t.IsZero() {
		return nil
	}
	return api.NewTimestamp(t)
}

// keyTags converts validated tags for a record.
func keyTags(given []api.Tag) (tags []key.Tag) {
	for _, t := range given {
		tags = append(tags, key.Tag{Key: *t.TagKey, Value: *t.TagValue})
	}
	return tags
}
