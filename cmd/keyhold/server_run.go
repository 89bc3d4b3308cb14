package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/keyhold/keyhold/internal/server"
)

// shutdownGrace is how long requests under way may take after a signal.
const shutdownGrace = 5 * time.Second

// wrappingKeysAhead is how many key pairs of each wrapping key spec in use are kept
// ready: one of RSA_4096 takes from half a second to two to make.
const wrappingKeysAhead = 4

// serve answers requests until ctx ends, and then lets the requests in progress finish.
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
		err = s.Close() // unfinished requests and idle connections must not delay the end
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("the server stopped, because it can no longer make changes durable: %w", cause)
	}
	return err
}

// outliveHangups keeps SIGHUP from ending a server: nothing is reloaded. If the terminal of
// the server was closed, stop is called, because nobody could end the server there any more.
func outliveHangups(ctx context.Context, stop context.CancelCauseFunc, log *slog.Logger) {
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
				log.Info("SIGHUP changes nothing: restart the server to change its flags, certificates and root key")
			}
		}
	}()
}
