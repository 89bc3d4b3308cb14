package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// A dataKey is a new key for the caller's own use: in the clear, for whoever
// gets it to clear, and encrypted.
type dataKey struct {
	plaintext, blob []byte
	materialID      string // that it is encrypted under
}

// checkDataKey wants exactly one of the two members that give the size.
func checkDataKey(spec *string, bytes *int32) error {
	if (spec == nil) == (bytes == nil) {
		return key.Errorf(key.KindValidation, "Please specify either number of bytes or key spec.")
	}
	return nil
}

func dataKeySize(spec *string, bytes *int32) int {
	switch or(spec, "") {
	case api.DataKeyAES128:
		return 16
	case api.DataKeyAES256:
		return 32
	}
	return int(*bytes)
}

// checkDataKeyUse wants a symmetric key in the first ask, as all data keys are
// encrypted under one.
func (c *call) checkDataKeyUse() error {
	return c.key().Use(c.Operation.Name, key.EncryptDecrypt, api.EncryptionAlgorithmSymmetricDefault)
}

// newDataKey makes a data key under the key of the first ask. A dry run ends
// with errDryRun.
func (c *call) newDataKey(size int, context map[string]string, dry *bool) (d dataKey, err error) {
	if err := c.checkDataKeyUse(); err != nil {
		return dataKey{}, err
	}
	d.plaintext = crypt.Random(size)
	d.materialID, d.blob, err = c.encryptSymmetric(c.key(), d.plaintext, context)
	if err == nil {
		err = dryRun(dry)
	}
	if err != nil {
		clear(d.plaintext)
		return dataKey{}, err
	}
	return d, nil
}
