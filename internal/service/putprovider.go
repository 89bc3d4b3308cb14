package service

import (
	"crypto/x509"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// checkPutProvider checks what the shape cannot express. An issuer is a URL without query and
// fragment (OpenID Connect Discovery 1.0, section 3), in the spelling that tokens use.
func checkPutProvider(in *api.PutProviderRequest, _ time.Time) error {
	u, err := url.Parse(*in.Url)
	switch {
	case err != nil, u.Scheme != "https", u.Host == "", u.User != nil, u.RawQuery != "", u.Fragment != "", u.ForceQuery:
		return key.Errorf(key.KindValidation, "%q is not the URL of an OIDC provider: write it as https://oidc.example.com", *in.Url)
	case u.Host != strings.ToLower(u.Host) || strings.HasSuffix(*in.Url, "/") || u.String() != *in.Url:
		return key.Errorf(key.KindValidation,
			"%q must be written with its host in lower case and without a slash at the end.", *in.Url)
	case len(in.ClientIds) == 0:
		return key.Errorf(key.KindValidation, "An OIDC provider needs a client ID, which tokens name as their audience.")
	case or(in.Roots, "") != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(*in.Roots)):
		return key.Errorf(key.KindValidation, "Roots has no certificate in PEM.")
	}
	return nil
}

var putProvider = administration("PutProvider", checkPutProvider,
	func(c *call, in *api.PutProviderRequest) (*api.PutIdentityResponse, error) {
		d, err := c.declaration(in.AccountId, in.DryRun)
		if err != nil {
			return nil, err
		}
		issuer := strings.TrimPrefix(*in.Url, "https://")
		clients := slices.Compact(slices.Sorted(slices.Values(in.ClientIds)))
		return c.declare(d, func(tx *store.Tx) error {
			p, ok, err := records.OIDCProviders.Get(tx, records.ProviderPath(d.account, issuer))
			if err != nil {
				return err
			}
			if d.created = !ok; d.created {
				p = identity.OIDCProvider{Account: d.account, Issuer: issuer, Created: c.now}
			}
			d.arn = p.ARN()
			d.differ("client_ids", p.ClientIDs, clients)
			d.differ("ca_file", p.Roots, or(in.Roots, ""))
			p.ClientIDs, p.Roots = clients, or(in.Roots, "")
			return records.OIDCProviders.Put(tx, records.ProviderPath(d.account, issuer), p)
		})
	})
