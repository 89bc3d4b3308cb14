package service

import (
	"slices"

	"github.com/keyhold/keyhold/internal/api"
)

// ignoresCiphertext reports whether a request only asks whether the caller may: a dry
// run that is to look at no ciphertext, and need not have one. Where it is no dry run,
// its modifiers mean nothing.
func ignoresCiphertext(dryRun *bool, modifiers []string) bool {
	return or(dryRun, false) && slices.Contains(modifiers, api.DryRunModifierIgnore)
}

// checkCiphertext wants the ciphertext or, where it is ignored, the key that it would
// have named.
func checkCiphertext(blob []byte, ignored bool, keyID *string, keyMember string) error {
	switch {
	case ignored && keyID == nil:
		return missingMember(keyMember)
	case !ignored && blob == nil:
		return missingMember("ciphertextBlob")
	}
	return nil
}
