package forward

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
)

// Options configure a target.
type Options struct {
	TLS   *tls.Config // nil means the roots of the system and no certificate of the client
	Token string      // sent to an HTTPS server as a bearer token
	Host  string      // of this machine, in syslog messages
}

// errNoTarget does not show the text, whose query can have a secret.
var errNoTarget = errors.New("this is not a target: give syslog+tls://HOST:PORT, unix:PATH or https://HOST/PATH")

// Parse returns the target of a flag.
func Parse(text string, o Options) (Target, error) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%q is not an absolute path", path)
		}
		return newStream(text, "unix", path, nil, jsonLine), nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return nil, errNoTarget
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("a target has no user and no fragment in its URL")
	}
	switch u.Scheme {
	case "syslog+tls", "syslog+tcp":
		return parseSyslog(text, u, o)
	case "https", "http":
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			return nil, fmt.Errorf("%s is not on the loopback interface: use https", u.Hostname())
		}
		return newHTTP(text, o), nil
	}
	return nil, errNoTarget
}

// parseSyslog returns a syslog server. The port of syslog over TLS is 6514 (RFC 5425, section 4.1).
func parseSyslog(text string, u *url.URL, o Options) (Target, error) {
	if u.Path != "" || u.RawQuery != "" {
		return nil, errors.New("a syslog server has no path and no query in its URL")
	}
	if u.Scheme == "syslog+tcp" {
		if !loopback(u.Hostname()) || u.Port() == "" {
			return nil, fmt.Errorf("%s: syslog without TLS needs a port on the loopback interface: use syslog+tls", u.Host)
		}
		return newStream(text, "tcp", u.Host, nil, syslogFrame(o.Host)), nil
	}
	port := u.Port()
	if port == "" {
		port = "6514"
	}
	config := &tls.Config{}
	if o.TLS != nil {
		config = o.TLS.Clone()
	}
	config.ServerName, config.MinVersion = u.Hostname(), tls.VersionTLS12
	return newStream(text, "tcp", net.JoinHostPort(u.Hostname(), port), config, syslogFrame(o.Host)), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
