package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/keyhold/keyhold/internal/server"
)

// shutdownGrace is how long requests in progress may take after a signal.
const shutdownGrace = 5 * time.Second

// wrappingKeysAhead is the number of key pairs that the server keeps ready for each wrapping key spec
// in use. An RSA_4096 pair takes half a second to two seconds to make.
const wrappingKeysAhead = 4

// serve answers requests until ctx ends, and then lets the requests in progress finish.
func serve(ctx context.Context, s *server.Server, listener net.Listener) error {
	setGarbageCollector()
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
		err = s.Close() // unfinished requests and idle connections must not delay the end
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("the server stopped, because it can no longer make changes durable: %w", cause)
	}
	return err
}

// outliveHangups calls reload after each SIGHUP, which does not end a server. If the terminal of the server was closed,
// it calls stop instead, because nobody can press Ctrl+C there any more.
func outliveHangups(ctx context.Context, stop context.CancelCauseFunc, reload func()) {
	stdin := int(os.Stdin.Fd())
	atTerminal := term.IsTerminal(stdin)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for ctx.Err() == nil {
			select {
			case <-ctx.Done():
			case <-hangups:
				if atTerminal && !term.IsTerminal(stdin) {
					stop(context.Canceled)
					continue
				}
				reload()
			}
		}
	}()
}
