package records

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/listtest"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// docs/formats.md describes this format of records. A new one needs a migration.
func TestNumbers(t *testing.T) {
	listtest.Numbers(t, [][3]any{
		{"newest format", NewestFormat, 7}, {"oldest format of a backup", BackupFormat, 6},
		{"shapes of the grants of a grantee", MaxGrantShapes, 20},
		{"bytes of the names in the shapes", MaxGrantShapeNames, 16_384},
		{"hours of a token key", TokenKeyHours, 25},
		{"largest offset of the clock of a dev server", MaxClockOffset, 1_752_000 * time.Hour},
		{"wait for a keyring that is read again", reloadPatience, time.Second},
	})
}

// IsEmpty returns the error of each read.
func TestIsEmptyFailsWithItsReads(t *testing.T) {
	for at := 1; at <= 2; at++ {
		b := &failingBackend{Backend: memory.New(), at: at}
		if _, err := IsEmpty(t.Context(), b); !errors.Is(err, errRead) {
			t.Errorf("without read %d: %v", at, err)
		}
	}
}

// A deployment that is being copied is not opened, and not made again.
func TestKeyringOfAnUnfinishedCopy(t *testing.T) {
	for _, create := range []bool{false, true} {
		db := memory.New()
		if _, err := db.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: CopyKey(), Value: []byte("x")}}}); err != nil {
			t.Fatal(err)
		}
		if k, err := OpenKeyring(t.Context(), db, seal.NewEphemeralRoot(), create); err != ErrUnfinishedCopy || k != nil {
			t.Errorf("%v, %v", k, err)
		}
	}
}

// A rivalBackend makes another deployment before its first commit.
type rivalBackend struct {
	store.Backend
	root seal.Root
	made bool
}

func (b *rivalBackend) Commit(ctx context.Context, batch store.Batch) (int64, error) {
	if !b.made {
		b.made = true
		if _, err := OpenKeyring(ctx, b.Backend, b.root, true); err != nil {
			return 0, err
		}
	}
	return b.Backend.Commit(ctx, batch)
}

// Of two nodes that make a deployment at once, one makes it and both use it.
func TestTwoNodesMakeOneDeployment(t *testing.T) {
	b := &rivalBackend{Backend: memory.New(), root: seal.NewEphemeralRoot()}
	k, err := OpenKeyring(t.Context(), b, b.root, true)
	if err != nil || !b.made {
		t.Fatal(err)
	}
	sealed, err := k.Records().Seal([]byte("path"), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKeyring(t.Context(), b, b.root, false)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := again.Records().Open([]byte("path"), sealed); err != nil || string(plain) != "x" {
		t.Errorf("the nodes have different data keys: %q, %v", plain, err)
	}
}

// A node does not make a deployment without the key that opens it.
type noRoot struct{ seal.Root }

func (noRoot) Wrap(context.Context, []byte, string) ([]byte, error) { return nil, errCommit }

func TestDeploymentWithoutItsRootKey(t *testing.T) {
	db := memory.New()
	if k, err := OpenKeyring(t.Context(), db, noRoot{seal.NewEphemeralRoot()}, true); err == nil || k != nil {
		t.Errorf("%v, %v", k, err)
	}
	if empty, err := IsEmpty(t.Context(), db); !empty || err != nil {
		t.Errorf("empty %v, %v", empty, err)
	}
}
