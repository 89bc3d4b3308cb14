package service

import (
	"slices"
	"strconv"
	"strings"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
)

// An assumption is a request for a session of a role.
type assumption struct {
	action   string // "sts:AssumeRole" or the action for web identities
	roleARN  string
	session  identity.Session // the tags, policies and claims of the session
	seconds  *int32           // the duration
	most     int32            // the limit in seconds besides the limit of the role; 0 does not limit
	external *string          // the external ID, the value of sts:ExternalId
	least    *int32           // minimum number of characters of the token
}

// assume issues a session of a role that the caller may assume. Like every call, it decides
// again before it returns the session.
func (c *call) assume(a assumption) (role identity.Role, out issuedSession, err error) {
	var seconds int32
	err = c.hold(func() (err error) {
		role, seconds, err = c.mayAssume(a)
		return err
	})
	if err != nil {
		return role, out, err
	}
	s := a.session
	s.Account, s.Role, s.RoleID, s.Generation = role.Account, role.Name, role.ID, role.Generation
	out, err = c.issue(s, seconds, a.least)
	return role, out, err
}

// mayAssume returns the role and the duration of the session. The trust policy must allow the
// session, and if the trust policy leaves the decision to the policies of the caller, they must
// allow it too. A missing or disabled role gets the same answer as a forbidden role.
func (c *call) mayAssume(a assumption) (role identity.Role, seconds int32, err error) {
	who, d, err := c.assumingPrincipal()
	if err != nil {
		return role, 0, err
	}
	role, ok, err := c.findRole(a.roleARN)
	if err != nil {
		return role, 0, err
	}
	if ok {
		c.about = []audit.Resource{roleResource(role)}
		ok, err = c.decideAssume(role, who, d, a)
	}
	if err != nil || !ok {
		return role, 0, firstOf(err, c.errNotAssumable(a))
	}
	if seconds, err = a.duration(role); err != nil {
		return role, 0, err
	}
	return role, seconds, c.checkSessionPolicies(a.session.PolicyARNs, role.Account)
}

// assumingPrincipal returns the principal that asks for a session, and its policies. A web
// identity has no policies.
func (c *call) assumingPrincipal() (who policy.Principal, d policy.Documents, err error) {
	p := c.Caller.Principal
	if p.Kind == identity.KindWebIdentity {
		return policy.Principal{Kind: policy.WebIdentity, ARN: p.ARN}, d, nil
	}
	d, err = c.documentsOf(c.source(), p)
	return policyPrincipal(p), d, err
}

// findRole returns the role with an ARN.
func (c *call) findRole(arn string) (r identity.Role, ok bool, err error) {
	account, kind, _, name, ok := identity.ParseARN(arn)
	if !ok || kind != "role" {
		return r, false, nil
	}
	r, ok, err = read(c.source(), records.Roles, records.NamedPath(account, name))
	return r, ok && r.ARN() == arn && !r.Disabled, err
}

// decideAssume decides whether a principal may get the session of the role. The trust policy must
// also allow the tags and the source identity.
func (c *call) decideAssume(role identity.Role, who policy.Principal, d policy.Documents, a assumption) (bool, error) {
	trust, err := c.compiled.get(role.Trust, policy.TrustPolicy)
	if err != nil {
		return false, err
	}
	d.Resource = policy.Document{Name: "the trust policy of " + role.ARN(), Policy: trust}
	r := policy.Request{
		Principal: who,
		Resource:  role.ARN(),
		Owner:     role.Account,
		Time:      c.now,
		Values:    c.assumeValues(role, a),
	}
	for _, r.Action = range a.actions() {
		if decision, err := c.decideFairly(r, d, nil); err != nil || !decision.Allowed {
			return false, err
		}
	}
	return true, nil
}

// actions returns the actions that the policies must allow. Sources: "Pass session tags in AWS
// STS" and "Monitor and control actions taken with assumed roles" in the IAM user guide.
func (a assumption) actions() []string {
	all := []string{a.action}
	if len(a.session.Tags) > 0 || len(a.session.Transitive) > 0 {
		all = append(all, "sts:TagSession")
	}
	if a.session.SourceIdentity != "" {
		all = append(all, "sts:SetSourceIdentity")
	}
	return all
}

// assumeValues adds the condition keys of "Available keys for AWS STS" to the global ones.
func (c *call) assumeValues(role identity.Role, a assumption) conditionValues {
	v := c.stsValues()
	v.web(a.session.Web)
	v.set("aws:resourceaccount", role.Account)
	v.tags("aws:resourcetag/", role.Tags)
	v.set("sts:rolesessionname", a.session.Name)
	v.set("sts:externalid", or(a.external, ""))
	v.set("sts:sourceidentity", a.session.SourceIdentity)
	if a.seconds != nil {
		v.set("sts:durationseconds", strconv.Itoa(int(*a.seconds)))
	}
	v.tags("aws:requesttag/", a.session.Tags)
	for _, t := range a.session.Tags {
		v.own["aws:tagkeys"] = append(v.own["aws:tagkeys"], t.Key)
	}
	v.own["sts:transitivetagkeys"] = a.session.Transitive
	return v
}

const defaultSession = 3600

func (a assumption) duration(role identity.Role) (int32, error) {
	seconds := or(a.seconds, defaultSession)
	switch {
	case a.most != 0 && seconds > a.most:
		return 0, key.Errorf(key.KindValidation,
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case seconds > role.MaxSession:
		return 0, key.Errorf(key.KindValidation,
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return seconds, nil
}

// errNotAssumable returns the error for a role that is missing or forbidden.
func (c *call) errNotAssumable(a assumption) *key.Error {
	if c.Caller.Principal.Kind == identity.KindWebIdentity {
		return key.Errorf(key.KindAccessDenied, "Not authorized to perform %s", a.action)
	}
	return key.Errorf(key.KindAccessDenied,
		"User: %s is not authorized to perform: %s on resource: %s", c.Caller.Principal.ARN, a.action, a.roleARN)
}

// maxSessionPolicies is the maximum number of characters of the session policies together with
// the ARNs of managed session policies.
const maxSessionPolicies = 2048

// takeSessionPolicies copies the session policies of a request into a session.
func takeSessionPolicies(s *identity.Session, text *string, arns []sts.PolicyDescriptorType) error {
	size := 0
	if text != nil {
		if _, err := policy.Parse(*text, policy.IdentityPolicy); err != nil {
			return key.Errorf(key.KindMalformedPolicyDocument, "The session policy: %v", err)
		}
		s.Policies = []string{*text}
		size = len(*text)
	}
	for _, d := range arns {
		arn := or(d.Arn, "")
		if slices.Contains(s.PolicyARNs, arn) {
			continue
		}
		s.PolicyARNs = append(s.PolicyARNs, arn)
		size += len(arn)
	}
	if size > maxSessionPolicies {
		return key.Errorf(key.KindPackedPolicyTooLarge,
			"Session policies can have %d characters together, with the ARNs of managed ones.", maxSessionPolicies)
	}
	return nil
}

// checkSessionPolicies checks that the managed session policies exist. They must belong to the
// role's account.
func (c *call) checkSessionPolicies(arns []string, account string) error {
	for _, arn := range arns {
		_, ok, err := c.findManaged(c.source(), arn)
		if err != nil || !ok || !strings.HasPrefix(arn, "arn:aws:iam::"+account+":") {
			return firstOf(err, key.Errorf(key.KindValidation, "%s is not a managed policy of the role's account.", arn))
		}
	}
	return nil
}
