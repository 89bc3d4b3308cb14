package etcd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/store/remote"
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

// A Config describes an etcd cluster, and the part of it that belongs to one deployment. It contains no secret.
type Config struct {
	Endpoints []string // host:port of at least one member; better of all members
	Prefix    string   // all keys begin with it; the empty Prefix is DefaultPrefix

	remote.Access // without User, there is no password

	// Cluster is the ID of a cluster that the records were restored to from a snapshot, in hexadecimal. It accepts
	// such a cluster once. See [Open].
	Cluster string

	Timeout time.Duration // how long a request may take; 0 is DefaultTimeout
	Keep    time.Duration // how long old revisions stay readable; 0 is DefaultKeep, negative is no compaction

	Log *slog.Logger // reports failures in the background; nil discards them
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
	u, err := remote.ParseURL(rest)
	if err != nil {
		return Config{}, err
	}
	c := Config{Endpoints: u.Hosts, Prefix: u.Path}
	c.TLS = u.NeedsTLS()
	parameters := c.Access.Parameters()
	parameters["cluster"] = remote.Set(&c.Cluster, remote.Text)
	parameters["timeout"] = remote.Set(&c.Timeout, remote.Duration)
	parameters["compaction"] = remote.Set(&c.Keep, compaction)
	if err := parameters.SetAll(u.Values); err != nil {
		return Config{}, err
	}
	return c, c.validate()
}

var validPrefix = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)

// validate returns an error that names the fault in a Config and the remedy.
func (c Config) validate() error {
	if err := c.Access.Validate(); err != nil {
		return err
	}
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
	case (c.User == "") == c.HasPassword():
		return errors.New("the store needs the parameter user and one of passwordFile and passwordEnv together")
	}
	return nil
}

// compaction returns the Keep of the parameter compaction.
func compaction(value string) (time.Duration, error) {
	on, err := remote.OnOff(value)
	if err != nil || on {
		return 0, err
	}
	return -1, nil
}
