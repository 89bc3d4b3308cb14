package seal

import (
	"fmt"
	"time"
)

// foreignPause is the minimum time between two reloads for values that anybody can present.
const foreignPause = time.Second

// ErrDestroyed is the ErrOpen of a value that names a data key which was destroyed.
var ErrDestroyed = fmt.Errorf("%w: its data key was destroyed", ErrOpen)

// A ReloadError means that a value names a data key that the Keyring does not have, and that the stored keyring
// could not be read. The value may be undamaged.
type ReloadError struct{ Err error }

func (e *ReloadError) Error() string {
	return fmt.Sprintf("the value names a new data key, and the keyring could not be read: %v", e.Err)
}

func (e *ReloadError) Unwrap() error { return e.Err }

// Temporary returns true: the value may open later.
func (e *ReloadError) Temporary() bool { return true }

// OnUnknown has reload called when a value names a data key that r does not have. The data keys of the result
// replace the data keys of r. OnUnknown must be called before r is shared.
func (r *Keyring) OnUnknown(reload func() (*Keyring, error)) { r.reload = reload }

// dataKey returns the data key of a version. A value that anybody can present causes at most one reload in
// foreignPause.
func (r *Keyring) dataKey(version uint32, foreign bool) ([]byte, error) {
	held := r.held.Load()
	dataKey, ok := held.keys[version]
	if !ok && version > 0 && version < held.oldest {
		return nil, ErrDestroyed
	}
	if !ok && r.reload != nil {
		var err error
		if held, err = r.newer(held, foreign); err != nil {
			return nil, err
		}
		dataKey, ok = held.keys[version]
	}
	if !ok {
		return nil, ErrOpen
	}
	return dataKey, nil
}

// newer returns data keys that were read after old was read, or old itself.
func (r *Keyring) newer(old *dataKeys, foreign bool) (*dataKeys, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.held.Load(); now != old || foreign && time.Since(r.last) < foreignPause {
		return now, nil
	}
	r.last = time.Now()
	read, err := r.reload()
	if err != nil {
		return nil, &ReloadError{err}
	}
	r.replace(read)
	return r.held.Load(), nil
}
