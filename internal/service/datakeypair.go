package service

import (
	"bytes"

	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// checkDataKeyPair refuses the one spec of pairs that is not served.
func checkDataKeyPair(spec *string) error {
	if len(key.Suites(key.Spec(*spec))) == 0 {
		return key.Errorf(key.KindUnsupportedOperation, "Key pairs of the spec %s are not supported.", *spec)
	}
	return nil
}

// newDataKeyPair makes a pair, and encrypts the private key under the key of the
// first ask. A dry run ends with errDryRun before it makes one.
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
