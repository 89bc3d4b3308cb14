package key

import (
	"errors"
	"strings"
	"testing"
	"time"
)

const (
	account = "111122223333"
	region  = "eu-west-2"
	uuid    = "1234abcd-12ab-34cd-56ef-1234567890ab"
	mrk     = "mrk-1234abcd12ab34cd56ef1234567890ab"
	keyARN  = "arn:aws:kms:eu-west-2:111122223333:key/" + uuid

	day = 24 * time.Hour
)

var (
	noon      = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	materialA = strings.Repeat("a", 64) // IDs
	materialB = strings.Repeat("b", 64)

	allStates = []State{Enabled, Disabled, PendingDeletion, PendingReplicaDeletion, PendingImport, Unavailable, Creating, Updating}
)

// presentMaterial returns a material with its bytes.
func presentMaterial(id string, validTo time.Time) Material {
	return Material{ID: id, Description: "of " + id[:1], ValidTo: validTo, Sealed: []byte("sealed " + id[:1])}
}

// missingMaterial returns a material whose bytes were deleted or have expired.
func missingMaterial(id string) Material { return Material{ID: id, Description: "of " + id[:1]} }

// externalKey returns a key of origin EXTERNAL.
func externalKey(state State, materials ...Material) Key {
	return Key{
		ID: uuid, Account: account, Region: region, Spec: SymmetricDefault, Usage: EncryptDecrypt,
		Origin: OriginExternal, State: state, CreationDate: noon.Add(-day), Materials: materials,
	}
}

// keyDeletedAt returns a key that is pending deletion.
func keyDeletedAt(date time.Time, materials ...Material) Key {
	k := externalKey(PendingDeletion, materials...)
	k.DeletionDate = date
	return k
}

// wantError checks that err is an Error of the kind and, if message is not empty, that it has the message.
func wantError(t *testing.T, err error, kind Kind, message string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != kind || message != "" && e.Message != message {
		t.Errorf("got %v, want %s: %s", err, kind, message)
	}
}
