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

// newDataKey makes a data key under the key of the first ask. A dry run ends
// with errDryRun.
func (c *call) newDataKey(size int, context map[string]string, dryRun *bool) (d dataKey, err error) {
	d.plaintext = crypt.Random(size)
	d.materialID, d.blob, err = c.encrypt(c.key(), d.plaintext, context)
	if err == nil && or(dryRun, false) {
		err = errDryRun
	}
	if err != nil {
		clear(d.plaintext)
		return dataKey{}, err
	}
	return d, nil
}
