package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// metadata is what the API shows of a key, without the keys that are related to it.
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
		EncryptionAlgorithms:  []string{api.EncryptionAlgorithmSymmetricDefault},
		MultiRegion:           new(k.IsMultiRegion()),
	}
	if k.State == key.PendingReplicaDeletion {
		m.PendingDeletionWindowInDays = new(int32(k.MultiRegion.DeletionWindow))
	}
	current, ok := k.Current()
	if ok {
		m.CurrentKeyMaterialId = &current.ID
	}
	if k.Origin == key.OriginExternal && current.Present() {
		m.ExpirationModel = new(string(current.ExpirationModel()))
		m.ValidTo = timestamp(current.ValidTo)
	}
	return m
}

// timestamp returns t for the wire, or nil for the zero time.
func timestamp(t time.Time) *api.Timestamp {
	if t.IsZero() {
		return nil
	}
	return api.NewTimestamp(t)
}
