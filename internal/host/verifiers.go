package host

import (
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// Verifier returns the Verifier of a production server: it knows the access keys and the Regions
// of the deployment.
func Verifier(s *service.Service) *sigv4.Verifier {
	return sigv4.NewVerifier(sigv4.Config{
		Lookup:   s.AccessKey,
		Sessions: s.Session,
		Regions:  s.Serves,
		Now:      time.Now,
	})
}

// DevVerifier returns the Verifier of a dev server: it also knows the fixed access key of all dev
// servers, which belongs to the root of the account, and accepts all Regions. With anyCredentials
// it accepts every other access key without verification.
func DevVerifier(s *service.Service, account string, anyCredentials bool) *sigv4.Verifier {
	root := identity.AccessKey{
		ID: identity.DevAccessKeyID, Secret: identity.NewSecret(identity.DevSecret), Principal: identity.Root(account),
	}
	c := sigv4.Config{
		Lookup:   identity.First(identity.Fixed(root), s.AccessKey),
		Sessions: s.Session,
		Regions:  key.ValidRegion,
		Now:      time.Now,
	}
	if anyCredentials {
		c.Admit = identity.AnyCredentials(account)
	}
	return sigv4.NewVerifier(c)
}
