package custody

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/seal"
)

// proofLimit is how long a proof may take. A device can be busy with the requests of others for some seconds.
const proofLimit = 30 * time.Second

// errSilent means that a custody did not answer within the limit.
var errSilent = fmt.Errorf("it does not answer within %v: check the device or the server that has the key, and the "+
	"way to it", proofLimit)

// Prove makes a custody wrap and unwrap a random value.
func Prove(ctx context.Context, root seal.Root) error {
	if err := within(ctx, begin(root, wrapAndUnwrap)); err != nil {
		return fmt.Errorf("the custody %s of the root key does not work: %w", root.ID(), err)
	}
	return nil
}

// begin starts a proof. The channel receives its result.
func begin(root seal.Root, prove func(context.Context, seal.Root) error) <-chan error {
	result := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), proofLimit)
		defer cancel()
		err := prove(ctx, root)
		if err != nil && ctx.Err() != nil {
			err = errSilent
		}
		result <- err
	}()
	return result
}

// within returns the result of a proof, or errSilent after the limit: a call into a driver may not end with its
// context.
func within(ctx context.Context, result <-chan error) error {
	limit := time.NewTimer(proofLimit)
	defer limit.Stop()
	select {
	case err := <-result:
		return err
	case <-limit.C:
		return errSilent
	case <-ctx.Done():
		return ctx.Err()
	}
}

func wrapAndUnwrap(ctx context.Context, root seal.Root) error {
	const purpose = "keyhold custody proof v1"
	secret := make([]byte, keySize)
	rand.Read(secret) // never fails: the program ends first (crypto/rand)
	wrapped, err := root.Wrap(ctx, secret, purpose)
	if err != nil {
		return fmt.Errorf("wrap a value: %w", err)
	}
	got, err := root.Unwrap(ctx, wrapped, purpose)
	if err != nil {
		return fmt.Errorf("unwrap a value: %w", err)
	}
	if !bytes.Equal(got, secret) {
		return errors.New("it unwraps another value than it has wrapped: the device is broken, or has another key now")
	}
	return nil
}

// A read custody was read from a place, and is in the memory of this process since then. check reports whether the
// place still has it.
type read interface{ check() error }

// again proves a custody that was proved before. A custody in memory wraps and unwraps as before, so that again looks
// whether the next start can read it.
func again(ctx context.Context, root seal.Root) error {
	if r, ok := root.(read); ok {
		return r.check()
	}
	return wrapAndUnwrap(ctx, root)
}
