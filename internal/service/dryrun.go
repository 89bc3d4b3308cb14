package service

import (
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// errDryRun is how a dry run ends that would have succeeded.
var errDryRun = key.Errorf(key.KindDryRunOperation, "The request would have succeeded, but the DryRun option is set.")

// dryRun ends a dry run that has come to where it would have succeeded.
func dryRun(wanted *bool) error {
	if or(wanted, false) {
		return errDryRun
	}
	return nil
}

// ignoresCiphertext reports whether a dry run looks at permissions alone.
func ignoresCiphertext(modifiers []string) bool {
	return slices.Contains(modifiers, api.DryRunModifierIgnore)
}

// checkModifiers holds the modifiers of a dry run against the rest of an operation
// that opens a ciphertext: where that is ignored, the key must be named.
func checkModifiers(modifiers []string, dry *bool, keyID *string, member string) error {
	switch {
	case len(modifiers) == 0:
		return nil
	case !or(dry, false):
		return key.Errorf(key.KindValidation, "DryRunModifiers can only be specified when DryRun is true.")
	case keyID == nil:
		return missingMember(member)
	}
	return nil
}
