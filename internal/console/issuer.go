package console

import (
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
}

// hostPattern keeps out of the Content-Security-Policy everything that is not a host and a port.
var hostPattern = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// ParseIssuer parses "CLIENT_ID@https://ISSUER". Without TLS, everybody on the way could sign in as the user, so http
// is accepted only for an issuer on this machine.
func ParseIssuer(text string) (i Issuer, err error) {
	at := strings.LastIndex(text, "@http")
	if at < 1 {
		return i, fmt.Errorf("%q is not an issuer: write CLIENT_ID@https://ISSUER", text)
	}
	i = Issuer{ClientID: text[:at], URL: strings.TrimSuffix(text[at+1:], "/")}
	u, err := url.Parse(i.URL)
	switch {
	case err != nil || !hostPattern.MatchString(u.Host) || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return i, fmt.Errorf("the URL of the issuer for client %q is wrong: write it without user, query and fragment",
			i.ClientID)
	case u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()):
		return i, nil
	}
	return i, fmt.Errorf("the URL of the issuer for client %q is not an https URL", i.ClientID)
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

// origin returns the origin of an Issuer that ParseIssuer returned.
func (i Issuer) origin() string {
	u, err := url.Parse(i.URL)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
