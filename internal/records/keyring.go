package records

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrNotInitialised means that the Backend has no deployment, and that the caller did not ask to
// create one.
var ErrNotInitialised = errors.New("there is no deployment here yet")

// KeyringPath is the path of the wrapped data keys. This is the only record that the Sealer of
// records does not seal, because the Sealer needs the data keys.
const KeyringPath = "keyring"

// reloadPatience is how long a value with a new data key waits for the keyring.
const reloadPatience = time.Second

// Reload has the keyring read again when a value names a data key that another process has added. root returns the
// custody that opens the keyring now.
func Reload(keyring *seal.Keyring, backend store.Backend, root func() seal.Root) {
	keyring.OnUnknown(func() (*seal.Keyring, error) {
		ctx, cancel := context.WithTimeout(context.Background(), reloadPatience)
		defer cancel()
		return OpenKeyring(ctx, backend, root(), false)
	})
}

// IsEmpty reports whether a Backend has no records. It returns ErrUnfinishedCopy if a deployment is being copied to it.
func IsEmpty(ctx context.Context, backend store.Backend) (empty bool, err error) {
	err = backend.View(ctx, func(r store.Reader) error {
		marker, err := store.ReadItem(r, CopyKey())
		if err == nil && marker.Rev != 0 {
			err = ErrUnfinishedCopy
		}
		if err != nil {
			return err
		}
		any, err := r.Scan([]byte{0}, []byte{0xff}, 1)
		empty = len(any) == 0
		return err
	})
	return empty, err
}

// OpenKeyring returns the data keys of the deployment in a Backend. If create is set, it makes a
// new deployment in an empty Backend.
func OpenKeyring(ctx context.Context, backend store.Backend, root seal.Root, create bool) (*seal.Keyring, error) {
	var kept store.Item
	var empty bool
	err := backend.View(ctx, func(r store.Reader) error {
		items, err := r.Get([]byte(KeyringPath), CopyKey())
		if err != nil {
			return err
		}
		if items[1].Rev != 0 {
			return ErrUnfinishedCopy
		}
		if kept = items[0]; kept.Rev != 0 {
			return nil
		}
		any, err := r.Scan([]byte{0}, []byte{0xff}, 1)
		empty = len(any) == 0
		return err
	})
	switch {
	case errors.Is(err, ErrUnfinishedCopy):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("read the keyring: %w", err)
	case kept.Rev != 0:
		return seal.OpenKeyring(ctx, root, kept.Value)
	case !empty:
		return nil, errors.New("the store has records but no keyring to open them with: " +
			"it is damaged or not a store of this program")
	case !create:
		return nil, ErrNotInitialised
	}
	keyring, wrapped, err := seal.NewKeyring(ctx, root)
	if err != nil {
		return nil, err
	}
	format, err := newFormat(keyring.Records())
	if err != nil {
		return nil, err
	}
	_, err = backend.Commit(ctx, store.Batch{
		Checks: []store.Check{{Key: []byte(KeyringPath)}, {Key: CopyKey()}},
		Writes: []store.Write{{Key: []byte(KeyringPath), Value: wrapped}, format},
	})
	if errors.Is(err, store.ErrConflict) { // another node has just made the deployment
		return OpenKeyring(ctx, backend, root, false)
	}
	return keyring, err
}
