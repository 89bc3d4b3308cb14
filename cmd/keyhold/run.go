package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/keyhold/keyhold/internal/server"
)

// shutdownGrace is how long requests under way may take after a signal.
const shutdownGrace = 5 * time.Second

// wrappingKeysAhead is how many key pairs of each wrapping key spec in use are kept
// ready: one of RSA_4096 takes from half a second to two to make.
const wrappingKeysAhead = 4

// serve answers requests until ctx ends, and then lets those under way finish.
func serve(ctx context.Context, s *server.Server, listener net.Listener) error {
	setCollector()
	go returnMemory(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- s.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	err := s.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.Close() // whoever has not finished by now, or sends nothing, does not hold up the end
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("stopped, as nothing more can be promised: %w", cause)
	}
	return err
}
