package service

import (
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
)

// userIdentity returns the userIdentity element of a principal, as in CloudTrail.
func userIdentity(p identity.Principal) audit.Identity {
	i := audit.Identity{
		PrincipalID: p.ID,
		ARN:         p.ARN,
		AccountID:   p.AccountID,
		AccessKeyID: p.AccessKeyID,
		UserName:    p.UserName,
		Session:     sessionContext(p),
	}
	switch p.Kind {
	case identity.KindAccount:
		i.Type = "Root"
	case identity.KindUser:
		i.Type = "IAMUser"
	case identity.KindAssumedRole:
		i.Type = "AssumedRole"
	case identity.KindWebIdentity:
		return webIdentityUser(p)
	}
	return i
}

// sessionContext returns the sessionContext element of temporary credentials.
func sessionContext(p identity.Principal) (s audit.Session) {
	if p.Session == nil {
		return s
	}
	s.Issued, s.SourceIdentity = p.Session.Issued, p.Session.SourceIdentity
	if p.Session.Web != nil {
		s.FederatedProvider = p.Session.Web.Provider
	}
	if p.Kind == identity.KindAssumedRole {
		s.Issuer = audit.Issuer{
			Type:        "Role",
			PrincipalID: p.Session.RoleID,
			ARN:         p.RoleARN,
			AccountID:   p.AccountID,
			UserName:    p.Session.Role,
		}
	}
	return s
}

// webIdentityUser returns the userIdentity element of the user of an OIDC provider. It names
// the user only after the token was verified.
func webIdentityUser(p identity.Principal) audit.Identity {
	i := audit.Identity{Type: audit.WebIdentityUser}
	if p.Session != nil && p.Session.Web != nil {
		w := p.Session.Web
		i.PrincipalID = w.Provider + ":" + w.Audience + ":" + w.Subject
		i.UserName, i.IdentityProvider = w.Subject, w.Provider
	}
	return i
}
