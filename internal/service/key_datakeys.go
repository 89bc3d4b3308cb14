package service

import (
	"bytes"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// A dataKey is a new data key, in plaintext and encrypted. The receiver must clear the
// plaintext.
type dataKey struct {
	plaintext, blob []byte
	materialID      string // of the material that encrypts the data key
}

// checkDataKey requires exactly one of the two members that give the size.
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

// checkDataKeyUse requires a symmetric encryption key in the first ask, because such a key
// encrypts every data key.
func (c *call) checkDataKeyUse() error {
	return c.key().Use(c.Operation.Name, key.EncryptDecrypt, api.EncryptionAlgorithmSymmetricDefault)
}

// newDataKey generates a data key under the key of the first ask. A dry run ends with
// errDryRun.
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

// checkDataKeyPair refuses the one spec of pairs that the server does not support.
func checkDataKeyPair(spec *string) error {
	if len(key.Suites(key.Spec(*spec))) == 0 {
		return key.Errorf(key.KindUnsupportedOperation, "Key pairs of the spec %s are not supported.", *spec)
	}
	return nil
}

// newDataKeyPair generates a pair and encrypts the private key under the key of the first ask.
// A dry run ends with errDryRun before the pair is generated.
func (c *call) newDataKeyPair(spec string, context map[string]string, dry *bool) (d dataKey, public []byte, err error) {
	if err := c.checkDataKeyUse(); err != nil {
		return dataKey{}, nil, err
	}
	if err := dryRun(dry); err != nil {
		return dataKey{}, nil, err
	}
	if d.plaintext, err = c.generate(key.Spec(spec)); err != nil {
		return dataKey{}, nil, err
	}
	err = c.compute(effortsOf[key.Spec(spec)].using, func() error {
		public, err = publicKey(spec, d.plaintext)
		return err
	})
	if err == nil {
		d.materialID, d.blob, err = c.encryptSymmetric(c.key(), d.plaintext, context)
	}
	if err != nil {
		clear(d.plaintext)
		return dataKey{}, nil, err
	}
	return d, public, nil
}

// publicKey returns the public half of a pair's material.
func publicKey(spec string, material []byte) (public []byte, err error) {
	crypt.Secretly(func() {
		var made crypt.Key
		if made, err = crypt.Open(spec, material); err == nil {
			public = bytes.Clone(made.(crypt.Pair).PublicKey())
			made.Destroy()
		}
	})
	return public, err
}
