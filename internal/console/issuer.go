package console

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// An Issuer is an OIDC provider that users can sign in with. The console is registered there as a public client, which
// has no secret and uses PKCE (RFC 7636).
type Issuer struct {
	URL      string `json:"url"`
	ClientID string `json:"clientId"`
	// Origins are other origins that the page may connect to for the issuer, such as that of its token endpoint.
	Origins []string `json:"origins,omitempty"`
}

// hostPattern keeps out of the Content-Security-Policy everything that is not a host and a port.
var hostPattern = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// ParseIssuer parses "CLIENT_ID@https://ISSUER", and origins of its endpoints that follow after spaces. Its errors do not
// quote URLs, which may have a password.
func ParseIssuer(text string) (i Issuer, err error) {
	name, rest, _ := strings.Cut(text, " ")
	at := strings.LastIndex(name, "@http")
	if at < 1 {
		return i, fmt.Errorf("%q is not an issuer: write CLIENT_ID@https://ISSUER", name)
	}
	i = Issuer{ClientID: name[:at], URL: strings.TrimSuffix(name[at+1:], "/")}
	if _, err := parseURL(i.URL); err != nil {
		return i, fmt.Errorf("the URL of the issuer for client %q %w", i.ClientID, err)
	}
	for origin := range strings.FieldsSeq(rest) {
		u, err := parseURL(origin)
		if err == nil && u.Path != "" {
			err = errors.New("has a path: write https://HOST")
		}
		if err != nil {
			return i, fmt.Errorf("an origin of the issuer for client %q %w", i.ClientID, err)
		}
		i.Origins = append(i.Origins, origin)
	}
	return i, nil
}

// parseURL parses a URL that the page may connect to. Without TLS, everybody on the way could sign in as the user, so
// http is accepted only for this machine.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || !hostPattern.MatchString(u.Host) || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("is wrong: write it without user, query and fragment")
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, errors.New("is not an https URL")
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

// origins returns the origins that the page may connect to for an Issuer that ParseIssuer returned.
func (i Issuer) origins() []string {
	u, err := url.Parse(i.URL)
	if err != nil {
		return nil
	}
	return append([]string{u.Scheme + "://" + u.Host}, i.Origins...)
}
