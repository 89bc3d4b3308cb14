package etcd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Scheme begins the URL of a store on etcd.
const Scheme = "etcd://"

// Default values of a [Config].
const (
	DefaultPrefix  = "keyhold"
	DefaultTimeout = 5 * time.Second
	DefaultKeep    = time.Hour
)

const maxPrefix = 256 // bytes; a Batch repeats the prefix up to 256 times, within the request limit of etcd

// A Config describes an etcd cluster, and the part of it that belongs to one deployment. It contains no secret:
// the password is in a file or in an environment variable.
type Config struct {
	Endpoints []string // host:port of at least one member; better of all members
	Prefix    string   // all keys begin with it; the empty Prefix is DefaultPrefix

	TLS      bool   // connect by TLS
	CAFile   string // certificates of the authorities, in PEM; without it, those of the system
	CertFile string // client certificate, in PEM, and its private key; read again for each connection
	KeyFile  string

	User         string // name of an etcd user; without it, there is no password
	PasswordFile string // file with the password, which only this user may read
	PasswordEnv  string // environment variable with the password

	// Cluster is the ID of a cluster that the records were restored to from a snapshot, in hexadecimal. It accepts
	// such a cluster once. See [Open].
	Cluster string

	Timeout time.Duration // how long a request may take; 0 is DefaultTimeout
	Keep    time.Duration // how long old revisions stay readable; 0 is DefaultKeep, negative is no compaction

	Log *slog.Logger // reports failures in the background; nil discards them
}

// parameters are the query parameters of a URL.
var parameters = map[string]func(c *Config, value string) error{
	"tls":          func(c *Config, v string) (err error) { c.TLS, err = onOff(v); return err },
	"ca":           func(c *Config, v string) error { c.CAFile = v; return nil },
	"cert":         func(c *Config, v string) error { c.CertFile = v; return nil },
	"key":          func(c *Config, v string) error { c.KeyFile = v; return nil },
	"user":         func(c *Config, v string) error { c.User = v; return nil },
	"passwordFile": func(c *Config, v string) error { c.PasswordFile = v; return nil },
	"passwordEnv":  func(c *Config, v string) error { c.PasswordEnv = v; return nil },
	"cluster":      func(c *Config, v string) error { c.Cluster = v; return nil },
	"timeout":      func(c *Config, v string) (err error) { c.Timeout, err = positive(v); return err },
	"compaction":   setCompaction,
}

// ParseURL parses a URL such as
//
//	etcd://host1:2379,host2:2379/prefix?ca=ca.pem&cert=client.pem&key=client.key&user=keyhold&passwordFile=FILE
//
// The connection uses TLS, unless all hosts are loopback addresses and the URL names no file of TLS, or tls=off.
// Errors never contain the URL, which may contain a password by mistake.
func ParseURL(text string) (Config, error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return Config{}, fmt.Errorf("the URL of a store on etcd begins with %s", Scheme)
	}
	if strings.Contains(rest, "#") {
		return Config{}, errors.New("the URL of the store has a #, which must be written as %23")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, prefix, _ := strings.Cut(rest, "/")
	if strings.Contains(hosts, "@") {
		return Config{}, errors.New("the URL of the store has a user or a password before its hosts: use the parameters " +
			"user, and passwordFile or passwordEnv")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return Config{}, errors.New("the parameters of the URL of the store cannot be parsed: write them as name=value, " +
			"separated by &")
	}
	c := Config{Endpoints: strings.Split(hosts, ","), Prefix: prefix}
	c.TLS = !slices.ContainsFunc(c.Endpoints, isLoopback) || slices.ContainsFunc(c.Endpoints, isRemote) ||
		values.Has("ca") || values.Has("cert")
	if err := c.setAll(values); err != nil {
		return Config{}, err
	}
	return c, c.validate()
}

func (c *Config) setAll(values url.Values) error {
	for name, all := range values {
		set := parameters[name]
		if set == nil {
			return fmt.Errorf("the URL of the store has an unknown parameter; there are ca, cert, cluster, compaction, key, " +
				"passwordEnv, passwordFile, timeout, tls and user")
		}
		if len(all) != 1 || all[0] == "" {
			return fmt.Errorf("the URL of the store must have one value for %s", name)
		}
		if err := set(c, all[0]); err != nil {
			return fmt.Errorf("the parameter %s of the URL of the store %w", name, err)
		}
	}
	return nil
}

var validPrefix = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)

// validate returns what is wrong with a Config, and the remedy.
func (c Config) validate() error {
	for _, endpoint := range c.Endpoints {
		if host, port, err := net.SplitHostPort(endpoint); err != nil || host == "" || port == "" {
			return errors.New("each host of the store needs a port: etcd://host1:2379,host2:2379/prefix")
		}
	}
	switch {
	case len(c.Endpoints) == 0:
		return errors.New("the store on etcd has no host")
	case c.Prefix != "" && (len(c.Prefix) > maxPrefix || !validPrefix.MatchString(c.Prefix)):
		return fmt.Errorf("the prefix of the store has at most %d letters, digits and the characters ._-/, and no empty part",
			maxPrefix)
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("the parameters cert and key of the store need each other")
	case !c.TLS && (c.CAFile != "" || c.CertFile != ""):
		return errors.New("the parameters ca, cert and key of the store cannot be used with tls=off")
	case c.PasswordFile != "" && c.PasswordEnv != "":
		return errors.New("the store takes its password from passwordFile or passwordEnv, not from both")
	case (c.User == "") != (c.PasswordFile == "" && c.PasswordEnv == ""):
		return errors.New("the store needs the parameter user and one of passwordFile and passwordEnv together")
	}
	return nil
}

func isLoopback(endpoint string) bool {
	host, _, _ := net.SplitHostPort(endpoint)
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isRemote(endpoint string) bool { return !isLoopback(endpoint) }

func onOff(value string) (bool, error) {
	if value != "on" && value != "off" {
		return false, errors.New("is on or off")
	}
	return value == "on", nil
}

func positive(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, errors.New("is a duration, such as 5s")
	}
	return d, nil
}

func setCompaction(c *Config, value string) error {
	on, err := onOff(value)
	if err == nil && !on {
		c.Keep = -1
	}
	return err
}
