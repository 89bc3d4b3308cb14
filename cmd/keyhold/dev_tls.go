package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/authority"
	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/guarded"
)

// A dev server with TLS has these files in its data folder.
const (
	devTLSName       = "tls.pem"       // secret: private key, certificate and authority
	devAuthorityName = "authority.pem" // for clients: the authority alone
)

// renewal is the remaining validity below which a start makes new certificates.
const renewal = 30 * 24 * time.Hour

// devTLS are the flags of keyhold dev for TLS.
type devTLS struct {
	on    bool
	names []string
}

func devTLSFlags(c *cobra.Command, o *devTLS) {
	c.Flags().BoolVar(&o.on, "tls", false, "serve HTTPS, with an authority and a certificate made for this server")
	c.Flags().StringSliceVar(&o.names, "tls-names", nil,
		"names and addresses in the certificate, besides localhost, 127.0.0.1, ::1 and the host of --addr")
}

// certificateNames returns the names in the certificate. Without --tls there are none.
func (o devTLS) certificateNames(addr string) (names []string, err error) {
	if !o.on && len(o.names) > 0 {
		return nil, usageError{errors.New("--tls-names is for a server with TLS: add --tls")}
	}
	if !o.on {
		return nil, nil
	}
	given := o.names
	if host := hostOf(addr); host != "" {
		given = append([]string{host}, given...)
	}
	if names, err = authority.Names(given); err != nil {
		return nil, usageError{fmt.Errorf("--tls-names: %w", err)}
	}
	return names, nil
}

// hostOf returns the host of a listening address, or "" if the address stands for all addresses of the
// machine.
func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a.IsUnspecified() {
			return ""
		}
		return a.WithZone("").String()
	}
	return host
}

// A devCertificate is the certificate of a dev server, and the file of the authority that clients must
// trust. It is empty without --tls.
type devCertificate struct {
	*authority.Server
	file string
	temp bool // the server removes the file at its end
}

// enableTLS sets the certificate of the server if the flags ask for TLS.
func (o devOptions) enableTLS(network *conns.Config, log *slog.Logger) (c devCertificate, err error) {
	names, err := o.tls.certificateNames(o.addr)
	if err != nil || names == nil {
		return c, err
	}
	if o.data == "" {
		c, err = temporaryCertificate(names)
	} else {
		c, err = keptCertificate(names, o.data, log)
	}
	if err == nil {
		network.TLS = conns.TLS(c.Certificate)
	}
	return c, err
}

// keptCertificate returns the certificate of the last start, so that clients still trust the server.
// It makes a new one if the old one does not have the names or is about to expire.
func keptCertificate(names []string, data string, log *slog.Logger) (c devCertificate, err error) {
	path := filepath.Join(data, devTLSName)
	if c.file, err = filepath.Abs(filepath.Join(data, devAuthorityName)); err != nil {
		return c, err
	}
	c.Server, err = readTLS(path)
	if err == nil {
		if err = c.Check(names, time.Now().Add(renewal)); err == nil {
			return c, replaceFile(c.file, c.PEM(), 0o644)
		}
		log.Warn(
			"the server has a new certificate authority: make clients trust its file instead of the old one",
			"file", c.file, "why", err)
	} else if !errors.Is(err, os.ErrNotExist) {
		return c, err
	}
	if c.Server, err = authority.New(names, time.Now()); err != nil {
		return c, err
	}
	secret, err := c.Encode()
	if err != nil {
		return c, err
	}
	defer clear(secret)
	if err := replaceFile(path, secret, 0o600); err != nil {
		return c, err
	}
	return c, replaceFile(c.file, c.PEM(), 0o644)
}

// temporaryCertificate returns a certificate whose private key is in no file.
func temporaryCertificate(names []string) (c devCertificate, err error) {
	if c.Server, err = authority.New(names, time.Now()); err != nil {
		return c, err
	}
	f, err := os.CreateTemp("", "keyhold-authority-*.pem")
	if err != nil {
		return c, fmt.Errorf("the file of the authority: %w", err)
	}
	c.file, c.temp = f.Name(), true
	_, err = f.Write(c.PEM())
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return c, errors.Join(fmt.Errorf("the file of the authority: %w", err), c.close())
	}
	return c, nil
}

// close removes the authority's file if the authority ends with the server.
func (c devCertificate) close() error {
	if !c.temp {
		return nil
	}
	return os.Remove(c.file)
}

func readTLS(path string) (*authority.Server, error) {
	text, err := guarded.ReadSecret("the TLS key", path, authority.MaxEncoded)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	s, err := authority.Decode(text)
	if err != nil {
		return nil, fmt.Errorf(
			"%s is damaged: %w; remove it, start again, and make clients trust the new authority", path, err)
	}
	return s, nil
}

// replaceFile writes a file. Readers find the old content or the new content, never a part.
func replaceFile(path string, content []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
