package audit

import "time"

// An Identity is the principal of a request, as far as it is known. Source: "CloudTrail userIdentity element".
type Identity struct {
	Type             string // Root, IAMUser, AssumedRole, WebIdentityUser
	PrincipalID      string
	ARN              string
	AccountID        string
	AccessKeyID      string
	UserName         string
	IdentityProvider string  // set for a WebIdentityUser
	Session          Session // set for temporary credentials
	InvokedBy        string  // set for a ServiceEvent
}

// A Session describes temporary credentials. It is absent if Issued is zero.
type Session struct {
	Issued            time.Time
	Issuer            Issuer // the assumed role
	FederatedProvider string // the provider, if the session started with a web identity
	SourceIdentity    string
}

// An Issuer is the role of a session.
type Issuer struct{ Type, PrincipalID, ARN, AccountID, UserName string }

func (i Identity) members(o *object) {
	o.optional(`,"type":`, i.Type)
	o.optional(`,"principalId":`, i.PrincipalID)
	o.optional(`,"arn":`, i.ARN)
	o.optional(`,"accountId":`, i.AccountID)
	o.optional(`,"accessKeyId":`, i.AccessKeyID)
	o.optional(`,"userName":`, i.UserName)
	o.optional(`,"identityProvider":`, i.IdentityProvider)
	if !i.Session.Issued.IsZero() {
		o.open(`,"sessionContext":`)
		i.Session.members(o)
		o.close()
	}
	o.optional(`,"invokedBy":`, i.InvokedBy)
}

func (s Session) members(o *object) {
	if s.Issuer != (Issuer{}) {
		o.open(`,"sessionIssuer":`)
		s.Issuer.members(o)
		o.close()
	}
	if s.FederatedProvider != "" {
		o.open(`,"webIdFederationData":`)
		o.member(`,"federatedProvider":`, s.FederatedProvider)
		o.close()
	}
	o.open(`,"attributes":`)
	o.member(`,"creationDate":`, s.Issued.UTC().Format(time.RFC3339))
	o.member(`,"mfaAuthenticated":`, "false")
	o.close()
	o.optional(`,"sourceIdentity":`, s.SourceIdentity)
}

func (i Issuer) members(o *object) {
	o.member(`,"type":`, i.Type)
	o.member(`,"principalId":`, i.PrincipalID)
	o.member(`,"arn":`, i.ARN)
	o.member(`,"accountId":`, i.AccountID)
	o.member(`,"userName":`, i.UserName)
}
