package server_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/console"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/sigv4"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/kmstest"
)

// A setup is a server in memory whose parts a test chooses. Its only caller is the root.
type setup struct {
	events     audit.File // nil discards events
	forwarders []netip.Prefix
	conns      conns.Config
	computing  func(change int)
	regions    func(region string) bool // nil serves all Regions
	log        slog.Handler             // nil discards messages
	breaks     bool                     // events fails, so closing it fails too
	console    *console.Site
}

// start runs the server until the test ends.
func (u setup) start(t *testing.T) (address string) {
	t.Helper()
	if u.events == nil {
		u.events = audit.Discard{}
	}
	if u.regions == nil {
		u.regions = key.ValidRegion
	}
	if u.log == nil {
		u.log = slog.DiscardHandler
	}
	backend, slots, log := memory.New(), memory.NewSlots(), audit.New(u.events, audit.Options{})
	s, err := service.Open(context.Background(), service.Config{
		Backend: backend, Slots: slots, Root: seal.NewEphemeralRoot(), Audit: log, Clock: service.NewClock(time.Now),
		Log: slog.New(slog.DiscardHandler), Create: true, Dev: true, DevAccount: kmstest.Account, Computing: u.computing,
	})
	if err != nil {
		t.Fatal(err)
	}
	root := identity.AccessKey{ID: kmstest.AccessKeyID, Secret: identity.NewSecret(kmstest.SecretAccessKey), Principal: identity.Root(kmstest.Account)}
	v := sigv4.NewVerifier(sigv4.Config{Lookup: identity.Fixed(root), Regions: u.regions, Now: time.Now})
	h := server.New(&server.Handler{Service: s, Verifier: v, Log: slog.New(u.log), Forwarders: u.forwarders, Console: u.console}, u.conns)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := serveInBackground(h, l)
	t.Cleanup(func() {
		for _, c := range []io.Closer{h, log, s, slots, backend} {
			if err := c.Close(); err != nil && !u.breaks {
				t.Error(err)
			}
		}
		<-ended
	})
	return l.Addr().String()
}
