package service

import (
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// generate returns new material, which the caller must clear.
func (c *call) generate(spec key.Spec) (material []byte, err error) {
	err = c.compute(effortsOf[spec].making, func() (err error) {
		crypt.Secretly(func() { material, err = crypt.Generate(string(spec)) })
		return err
	})
	return material, err
}

// A signer is the material of a key with the usage SIGN_VERIFY. prepared means that the message
// is a digest or, for ML-DSA, the representative μ.
type signer interface {
	Sign(algorithm string, message []byte, prepared bool) (signature []byte, err error)
	Verify(algorithm string, message []byte, prepared bool, signature []byte) error
}

// checkSigning checks that the key of the first ask supports the algorithm, and that the
// algorithm supports the message. prepared reports whether the message is a digest or another
// prepared form.
func (c *call) checkSigning(algorithm string, messageType *string, message []byte) (prepared bool, err error) {
	if err := c.key().Use(c.Operation.Name, key.SignVerify, algorithm); err != nil {
		return false, err
	}
	kind := or(messageType, api.MessageTypeRaw)
	return kind != api.MessageTypeRaw, key.CheckMessage(algorithm, kind, len(message))
}

// errDryRun is the answer to a dry run that would have succeeded.
var errDryRun = key.Errorf(key.KindDryRunOperation, "The request would have succeeded, but the DryRun option is set.")

// dryRun ends a dry run just before the request would take effect.
func dryRun(wanted *bool) error {
	if or(wanted, false) {
		return errDryRun
	}
	return nil
}

// ignoresCiphertext reports whether a request only asks for a decision without a ciphertext: a
// dry run with the modifier that ignores the ciphertext. Without a dry run, modifiers have no
// effect.
func ignoresCiphertext(dryRun *bool, modifiers []string) bool {
	return or(dryRun, false) && slices.Contains(modifiers, api.DryRunModifierIgnore)
}

// checkCiphertext requires the ciphertext or, if it is ignored, the key that the ciphertext
// would name.
func checkCiphertext(blob []byte, ignored bool, keyID *string, keyMember string) error {
	switch {
	case ignored && keyID == nil:
		return errMissingMember(keyMember)
	case !ignored && blob == nil:
		return errMissingMember("ciphertextBlob")
	}
	return nil
}
