package remote

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A URL is the parts of the URL of a store, such as scheme://host1,host2/path?name=value.
type URL struct {
	Hosts  []string
	Path   string
	Values url.Values
}

// ParseURL parses what follows the scheme in a URL. Errors never contain the URL, which may contain a password by
// mistake.
func ParseURL(rest string) (u URL, err error) {
	if strings.Contains(rest, "#") {
		return u, errors.New("the URL of the store has a #, which must be written as %23")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, path, _ := strings.Cut(rest, "/")
	if strings.Contains(hosts, "@") {
		return u, errors.New("the URL of the store has a user or a password before its hosts: use the parameters " +
			"user, and passwordFile or passwordEnv")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return u, errors.New("the parameters of the URL of the store cannot be parsed: write them as name=value, " +
			"separated by &")
	}
	return URL{Hosts: strings.Split(hosts, ","), Path: path, Values: values}, nil
}

// NeedsTLS reports whether connections use TLS without the parameter tls: unless all hosts are loopback addresses, and
// the URL names no file of TLS.
func (u URL) NeedsTLS() bool {
	isRemote := func(host string) bool { return !isLoopback(host) }
	return slices.ContainsFunc(u.Hosts, isRemote) || u.Values.Has("ca") || u.Values.Has("cert")
}

func isLoopback(endpoint string) bool {
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		host = strings.Trim(endpoint, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Parameters are functions that set the values of parameters of a URL, by their names.
type Parameters map[string]func(value string) error

// Parameters returns the parameters that set an Access.
func (a *Access) Parameters() Parameters {
	return Parameters{
		"tls":          Set(&a.TLS, OnOff),
		"ca":           Set(&a.CAFile, Text),
		"cert":         Set(&a.CertFile, Text),
		"key":          Set(&a.KeyFile, Text),
		"user":         Set(&a.User, Text),
		"passwordFile": Set(&a.PasswordFile, Text),
		"passwordEnv":  Set(&a.PasswordEnv, Text),
	}
}

// Set returns a function that parses a value into to.
func Set[T any](to *T, parse func(value string) (T, error)) func(value string) error {
	return func(value string) error {
		v, err := parse(value)
		if err == nil {
			*to = v
		}
		return err
	}
}

// SetAll sets all values, each of which must be a parameter that is given once.
func (p Parameters) SetAll(values url.Values) error {
	for name, all := range values {
		set := p[name]
		if set == nil {
			names := slices.Sorted(maps.Keys(p))
			last := len(names) - 1
			return fmt.Errorf("the URL of the store has an unknown parameter; there are %s and %s",
				strings.Join(names[:last], ", "), names[last])
		}
		if len(all) != 1 || all[0] == "" {
			return fmt.Errorf("the URL of the store must have one value for %s", name)
		}
		if err := set(all[0]); err != nil {
			return fmt.Errorf("the parameter %s of the URL of the store %w", name, err)
		}
	}
	return nil
}

// Text returns a value as it is.
func Text(value string) (string, error) { return value, nil }

// OnOff parses "on" or "off".
func OnOff(value string) (bool, error) {
	if value != "on" && value != "off" {
		return false, errors.New("is on or off")
	}
	return value == "on", nil
}

// Duration parses a duration above 0.
func Duration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, errors.New("is a duration, such as 5s")
	}
	return d, nil
}
