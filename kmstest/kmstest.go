// Package kmstest runs a complete server inside a test, with a clock that the test
// moves.
//
//	func TestExpiry(t *testing.T) {
//		s := kmstest.Start(t)
//		key, err := s.Client.CreateKey(t.Context(), &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
//		… // import material for 60 days
//		s.Advance(60 * 24 * time.Hour)
//		… // and now it is gone
//	}
//
// TestExpiredMaterial in example_test.go is the complete test.
//
// The server listens on a free port of the loopback interface, verifies
// signatures and behaves like any other server. It keeps everything in memory
// and ends with the test.
//
// With the option TLS the server speaks HTTPS, for programs that speak nothing else.
package kmstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/authority"
	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/seed"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
)

// The constants of every Server, which keyhold dev uses too. The credentials belong to the root
// of Account. The server serves every Region.
const (
	Account         = identity.DevAccount
	Region          = identity.DevRegion
	AccessKeyID     = identity.DevAccessKeyID
	SecretAccessKey = identity.DevSecret
)

// A Server is a key management server in the memory of a test.
type Server struct {
	// Endpoint is the address of the server, such as "http://127.0.0.1:40001", or
	// "https://127.0.0.1:40001" with TLS.
	Endpoint string
	// Region is the constant Region or, with a seed file, the Region of its keys: the region
	// that the file gives, or the Region of all its keys if they have only one.
	Region string
	// AuthorityFile is the file, in PEM, of the authority that signed the certificate of
	// the server, and Authorities has this authority alone. Both are empty without TLS.
	AuthorityFile string
	Authorities   *x509.CertPool
	// Client is a client of the official SDK with Endpoint, Region, the credentials and,
	// with TLS, the authority set.
	Client *kms.Client

	t       testing.TB
	clock   *service.Clock
	service *service.Service
}

// An Option configures a Server.
type Option func(*options)

type options struct {
	seedFile string
	tls      bool
	names    []string
}

// Seed makes the keys that a seed file declares (docs/seed-file.md). Keys
// without an account belong to Account.
func Seed(file string) Option { return func(o *options) { o.seedFile = file } }

// TLS makes the server speak HTTPS only, with a certificate for localhost, 127.0.0.1, ::1 and
// the given names. An authority that is made for this server signs the certificate. The
// private keys of both are written nowhere.
func TLS(names ...string) Option { return func(o *options) { o.tls, o.names = true, names } }

// Start runs a server until the test and its subtests have ended. It fails the
// test if it cannot.
func Start(t testing.TB, wishes ...Option) *Server {
	t.Helper()
	var o options
	for _, wish := range wishes {
		wish(&o)
	}
	clock := service.NewClock(time.Now)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	deployment := host.InMemory(nil)
	config := deployment.Config()
	config.Clock, config.Log, config.Create, config.Dev, config.DevAccount = clock, log, true, true, Account
	s, err := service.Open(context.Background(), config)
	check(t, err)
	region, err := o.applySeed(s)
	check(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	started := &Server{Endpoint: "http://" + listener.Addr().String(), Region: region, t: t, clock: clock, service: s}
	network := conns.Config{}
	if o.tls {
		network.TLS = started.secure(o.names)
	}
	started.Client = started.client()
	h := server.New(&server.Handler{
		Service:  s,
		Verifier: host.DevVerifier(s, Account, false),
		Log:      log,
		Refused:  s.RememberRefusal,
	}, network)
	go h.Serve(listener)
	t.Cleanup(func() {
		check(t, h.Close())
		check(t, deployment.Close(s))
	})
	return started
}

// secure makes the authority and the certificate of the server.
func (s *Server) secure(names []string) *tls.Config {
	s.t.Helper()
	made, err := authority.New(names, time.Now())
	check(s.t, err)
	s.AuthorityFile = filepath.Join(s.t.TempDir(), "authority.pem")
	check(s.t, os.WriteFile(s.AuthorityFile, made.PEM(), 0o644))
	s.Endpoint = strings.Replace(s.Endpoint, "http:", "https:", 1)
	s.Authorities = made.Pool()
	return conns.TLS(made.Certificate)
}

// applySeed makes the keys of the seed file, if there is one, and returns the Region of a client.
func (o options) applySeed(s *service.Service) (region string, err error) {
	if o.seedFile == "" {
		return Region, nil
	}
	declared, err := seed.Read(o.seedFile, seed.Defaults{Account: Account, Region: Region})
	if err == nil {
		_, err = s.Seed(context.Background(), declared)
	}
	return declared.Region, err
}

// Now returns the time of the clock that determines when keys and import tokens expire.
func (s *Server) Now() time.Time { return s.clock.Now() }

// Advance moves the clock of Now forward, and rotates the keys whose automatic rotation
// becomes due. It fails the test if d is negative, or moves
// the clock 200 years ahead.
func (s *Server) Advance(d time.Duration) {
	s.t.Helper()
	check(s.t, s.clock.Advance(d))
	check(s.t, s.service.RotateDue(context.Background()))
}

func (s *Server) client() *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: aws.String(s.Endpoint),
		Region:       s.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKeyID, SecretAccessKey, ""),
		// This client has connections of its own, which are closed when the server ends.
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.Authorities}}},
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal("kmstest:", err)
	}
}
