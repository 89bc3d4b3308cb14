// Package private serves what operators and their tools ask a server: whether it lives, whether it is ready, and its
// numbers. It listens at an address of its own, and knows nothing of the API.
package private

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/health"
)

// Limits of the listener. A scrape with profiles of 30 seconds must fit into writeTime.
const (
	maxConnections = 64
	maxHeader      = 16 << 10
	readTime       = 10 * time.Second
	writeTime      = 90 * time.Second
	idleTime       = 2 * time.Minute
)

// A Config configures a Server.
type Config struct {
	Checks  *health.Checker
	Metrics http.Handler
	Pprof   bool // serve the profiles of the program
	Log     *slog.Logger
	// AnyHost accepts every Host in requests. Otherwise the Host must be a name of the loopback interface, so that no web
	// page can use the listener through a name of its own.
	AnyHost bool
}

// A Server answers at a listener.
type Server struct{ http http.Server }

// New returns a Server.
func New(c Config) *Server {
	return &Server{http.Server{
		Handler:           c.handler(),
		ReadTimeout:       readTime,
		ReadHeaderTimeout: readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}}
}

// Serve answers requests until Close.
func (s *Server) Serve(l net.Listener) error {
	err := s.http.Serve(admit.Newest(l, maxConnections))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends the listener and all connections.
func (s *Server) Close() error { return s.http.Close() }

// Shutdown ends the listener, and waits for requests until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.Shutdown(ctx) }
