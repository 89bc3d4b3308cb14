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

// The files of a dev server with TLS in its data folder.
const (
	devTLSName       = "tls.pem"       // secret: private key, certificate and authority
	devAuthorityName = "authority.pem" // for clients: the authority alone
)

// renewal is how long before the end of the certificates a start makes new ones.
const renewal = 30 * 24 * time.Hour

// devTLS are the flags of keyhold dev for TLS.
type devTLS struct {
	on    bool
	names []string
}

func devTLSFlags(c *cobra.Command, o *devTLS) {
	c.Flags().BoolVar(&o.on, "tls", false, "serve HTTPS, with an authority and a certificate made for this server")
	c.Flags().StringSliceVar(&o.names, "tls-names", nil, "names and addresses in the certificate, besides localhost, 127.0.0.1, ::1 and the host of --addr")
}

// certified returns the names in the certificate, none without --tls.
func (o devTLS) certified(addr string) (names []string, err error) {
	if !o.on && len(o.names) > 0 {
		return nil, usageError{errors.New("--tls-names is for a server with TLS: add --tls")}
	}
	if !o.on {
		return nil, nil
	}
	given := o.names
	if host := listensOn(addr); host != "" {
		given = append([]string{host}, given...)
	}
	if names, err = authority.Names(given); err != nil {
		return nil, usageError{fmt.Errorf("--tls-names: %w", err)}
	}
	return names, nil
}

// listensOn returns the host of a listening address, "" for all addresses of the machine.
func listensOn(addr string) string {
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

// A trusted is the certificate of a dev server, and the file of the authority that
// clients are to trust. It is empty without --tls.
type trusted struct {
	*authority.Server
	file string
	temp bool // the file ends with the server
}

// trust has the server speak TLS if the flags say so.
func (o devOptions) trust(network *conns.Config, log *slog.Logger) (t trusted, err error) {
	names, err := o.tls.certified(o.addr)
	if err != nil || names == nil {
		return t, err
	}
	if o.data == "" {
		t, err = trustOnce(names)
	} else {
		t, err = trustKept(names, o.data, log)
	}
	if err == nil {
		network.TLS = conns.TLS(t.Certificate)
	}
	return t, err
}

// trustKept returns the certificate of the last start, so that clients go on trusting the
// server, or a new one if that does not fit.
func trustKept(names []string, data string, log *slog.Logger) (t trusted, err error) {
	path := filepath.Join(data, devTLSName)
	if t.file, err = filepath.Abs(filepath.Join(data, devAuthorityName)); err != nil {
		return t, err
	}
	t.Server, err = readTLS(path)
	if err == nil {
		if err = t.Check(names, time.Now().Add(renewal)); err == nil {
			return t, replaceFile(t.file, t.PEM(), 0o644)
		}
		log.Warn("the server has a new certificate authority: make clients trust its file instead of the old one", "file", t.file, "why", err)
	} else if !errors.Is(err, os.ErrNotExist) {
		return t, err
	}
	if t.Server, err = authority.New(names, time.Now()); err != nil {
		return t, err
	}
	secret, err := t.Encode()
	if err != nil {
		return t, err
	}
	defer clear(secret)
	if err := replaceFile(path, secret, 0o600); err != nil {
		return t, err
	}
	return t, replaceFile(t.file, t.PEM(), 0o644)
}

// trustOnce returns a certificate whose private key is written nowhere.
func trustOnce(names []string) (t trusted, err error) {
	if t.Server, err = authority.New(names, time.Now()); err != nil {
		return t, err
	}
	f, err := os.CreateTemp("", "keyhold-authority-*.pem")
	if err != nil {
		return t, fmt.Errorf("the file of the authority: %w", err)
	}
	t.file, t.temp = f.Name(), true
	_, err = f.Write(t.PEM())
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return t, errors.Join(fmt.Errorf("the file of the authority: %w", err), t.close())
	}
	return t, nil
}

// close removes the file of an authority that ends with the server.
func (t trusted) close() error {
	if !t.temp {
		return nil
	}
	return os.Remove(t.file)
}

func readTLS(path string) (*authority.Server, error) {
	text, err := guarded.ReadSecret("the TLS key", path, authority.MaxEncoded)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	s, err := authority.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w; remove it, start again, and make clients trust the new authority", path, err)
	}
	return s, nil
}

// replaceFile writes a file. Readers find the old content or the new content, and never a part.
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
