package postgres

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/store/remote"
)

// Schemes begin the URL of a store on PostgreSQL.
var schemes = []string{"postgres://", "postgresql://"}

// Default values of a [Config].
const (
	DefaultSchema      = "keyhold"
	DefaultPort        = "5432"
	DefaultTimeout     = 5 * time.Second
	DefaultKeep        = time.Hour
	DefaultConnections = 10
)

const maxConnections = 1000

// A Config describes a database, and the schema in it that belongs to one deployment. It contains no secret.
type Config struct {
	Hosts    []string // host:port of the servers, one of which is the primary; or the folder of a socket, and its port
	Database string
	Schema   string // the empty Schema is DefaultSchema

	remote.Access // a user without a password is authenticated by its certificate, or by the server's own rules

	Timeout     time.Duration // how long a request may take; 0 is DefaultTimeout
	Keep        time.Duration // how long old revisions stay readable; 0 is DefaultKeep
	Connections int           // maximum number of connections of a process; 0 is DefaultConnections

	Node string // name of the node that opens the store; empty for other programs
	Seen int64  // newest revision that former processes of the node have seen: a store that has lost it is refused

	Create bool         // make the schema if it is missing
	Log    *slog.Logger // reports failures in the background; nil discards them
}

// IsURL reports whether a text is the URL of a store on PostgreSQL.
func IsURL(text string) bool {
	_, ok := cutScheme(text)
	return ok
}

func cutScheme(text string) (rest string, ok bool) {
	for _, scheme := range schemes {
		if rest, ok := strings.CutPrefix(text, scheme); ok {
			return rest, true
		}
	}
	return "", false
}

// ParseURL parses a URL such as
//
//	postgres://host1:5432,host2:5432/database?schema=keyhold&ca=ca.pem&user=keyhold&passwordFile=FILE
//	postgres:///database?host=/run/postgresql&user=keyhold
//
// The connection uses TLS, unless all hosts are loopback addresses and the URL names no file of TLS, or tls=off.
// Errors never contain the URL, which may contain a password by mistake.
func ParseURL(text string) (Config, error) {
	rest, ok := cutScheme(text)
	if !ok {
		return Config{}, fmt.Errorf("the URL of a store on PostgreSQL begins with %s", schemes[0])
	}
	u, err := remote.ParseURL(rest)
	if err != nil {
		return Config{}, err
	}
	c := Config{Database: u.Path}
	parameters := c.Access.Parameters()
	if folder := u.Values.Get("host"); folder != "" && strings.Join(u.Hosts, "") == "" {
		c.Hosts = []string{net.JoinHostPort(folder, cmp.Or(u.Values.Get("port"), DefaultPort))}
		parameters["host"], parameters["port"] = socketFolder, anything
	} else {
		for _, host := range u.Hosts {
			c.Hosts = append(c.Hosts, withPort(host))
		}
		c.TLS = u.NeedsTLS()
	}
	parameters["schema"] = remote.Set(&c.Schema, remote.Text)
	parameters["timeout"] = remote.Set(&c.Timeout, remote.Duration)
	parameters["connections"] = remote.Set(&c.Connections, number)
	if err := parameters.SetAll(u.Values); err != nil {
		return Config{}, err
	}
	return c, c.validate()
}

// withPort adds the default port to a host without a port.
func withPort(host string) string {
	if _, _, err := net.SplitHostPort(host); err != nil && host != "" {
		return net.JoinHostPort(strings.Trim(host, "[]"), DefaultPort)
	}
	return host
}

// socketFolder checks the parameter host, which ParseURL has read.
func socketFolder(value string) error {
	if !strings.HasPrefix(value, "/") || strings.ContainsAny(value, "[]:") {
		return errors.New("is the folder of a socket, such as /run/postgresql: other hosts stand before the database")
	}
	return nil
}

// anything accepts the parameter port, which validate checks.
func anything(string) error { return nil }

func number(value string) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 2 || n > maxConnections {
		return 0, fmt.Errorf("is a number from 2 to %d", maxConnections)
	}
	return n, nil
}

// A name of a database or a schema has no characters that need quotes, so that it can be typed in psql.
var validName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,62}$`)

// validate returns an error that names the fault in a Config and the remedy.
func (c Config) validate() error {
	if err := c.Access.Validate(); err != nil {
		return err
	}
	for _, endpoint := range c.Hosts {
		host, port, err := net.SplitHostPort(endpoint)
		if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || portErr != nil || n == 0 {
			return errors.New("each host of the store has a name and may have a port: postgres://host1:5432,host2/database")
		}
	}
	switch {
	case len(c.Hosts) == 0:
		return errors.New("the store on PostgreSQL has no host")
	case !validName.MatchString(c.Database):
		return errors.New("the URL of the store names a database, of at most 63 letters, digits and the characters _-: " +
			"postgres://host/database")
	case !validName.MatchString(cmp.Or(c.Schema, DefaultSchema)):
		return errors.New("the schema of the store has at most 63 letters, digits and the characters _-")
	case c.TLS && strings.HasPrefix(c.Hosts[0], "/"):
		return errors.New("a store at a socket is on this machine: PostgreSQL does not speak TLS there")
	case c.User == "":
		return errors.New("the URL of the store needs the parameter user: a role of PostgreSQL")
	}
	return nil
}
