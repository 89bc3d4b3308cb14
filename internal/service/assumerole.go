package service

import (
	"slices"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// AssumeRole has no asks, because the trust policy of the role decides.
var assumeRole = query("AssumeRole", nil, checkAssumeRole,
	func(c *call, in *sts.AssumeRoleRequest) (*sts.AssumeRoleResponse, error) {
		p := c.Caller.Principal
		if p.Kind == identity.KindAccount {
			return nil, key.Errorf(key.KindAccessDenied, "Roles may not be assumed by root accounts.")
		}
		a := assumption{
			action:   "sts:AssumeRole",
			roleARN:  *in.RoleArn,
			seconds:  in.DurationSeconds,
			external: in.ExternalId,
			least:    in.MinimumSessionTokenSize,
		}
		a.session = identity.Session{
			Name:           *in.RoleSessionName,
			Tags:           sessionTags(in.Tags),
			Transitive:     in.TransitiveTagKeys,
			SourceIdentity: or(in.SourceIdentity, ""),
		}
		if err := takeSessionPolicies(&a.session, in.Policy, in.PolicyArns); err != nil {
			return nil, err
		}
		if p.Kind == identity.KindAssumedRole {
			a.most = maxChained
			if err := chain(&a.session, *p.Session); err != nil {
				return nil, err
			}
		}
		role, out, err := c.assume(a)
		if err != nil {
			return nil, err
		}
		r := &sts.AssumeRoleResponse{
			Credentials: out.credentials, AssumedRoleUser: roleUser(role, a.session.Name), PackedPolicySize: out.packed,
			SessionTokenSize: out.size, SessionTokenUtilization: out.utilization,
		}
		if a.session.SourceIdentity != "" {
			r.SourceIdentity = &a.session.SourceIdentity
		}
		return r, nil
	})

// maxChained is the maximum duration, in seconds, of a session that the session of a role gets
// by assuming a role.
const maxChained = 3600

// checkAssumeRole checks what the shape cannot express.
func checkAssumeRole(in *sts.AssumeRoleRequest, _ time.Time) error {
	if err := checkNoMFA(in.SerialNumber, in.TokenCode); err != nil {
		return err
	}
	if len(in.ProvidedContexts) > 0 {
		return key.Errorf(key.KindValidation, "ProvidedContexts is not supported.")
	}
	if err := checkRoleARN(*in.RoleArn); err != nil {
		return err
	}
	return checkSessionTags(sessionTags(in.Tags), in.TransitiveTagKeys)
}

func checkRoleARN(arn string) error {
	if _, kind, _, _, ok := identity.ParseARN(arn); !ok || kind != "role" {
		return key.Errorf(key.KindValidation, "%s is invalid", arn)
	}
	return nil
}

func sessionTags(tags []sts.Tag) (all []identity.Tag) {
	for _, t := range tags {
		all = append(all, identity.Tag{Key: *t.Key, Value: *t.Value})
	}
	return all
}

// checkSessionTags applies the rules of "Pass session tags in AWS STS": a key may appear once,
// regardless of case, and every transitive key must be the key of a tag.
func checkSessionTags(tags []identity.Tag, transitive []string) error {
	for i, t := range tags {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return key.Errorf(key.KindValidation, "The tag key %s is reserved: it begins with aws:", t.Key)
		}
		if _, twice := identity.ValueOf(tags[:i], t.Key); twice {
			return key.Errorf(key.KindValidation, "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
	}
	for _, name := range transitive {
		if _, ok := identity.ValueOf(tags, name); !ok {
			return key.Errorf(key.KindValidation, "The transitive tag key %s is not one of the tags of the request.", name)
		}
	}
	return nil
}

// chain copies into a session the parts of the calling session that role chaining cannot
// change: the transitive tags and the source identity. Source: "Roles terms and concepts", role
// chaining.
func chain(s *identity.Session, by identity.Session) error {
	if s.SourceIdentity != "" && by.SourceIdentity != "" && s.SourceIdentity != by.SourceIdentity {
		return key.Errorf(key.KindAccessDenied, "The source identity of a session cannot be changed by role chaining.")
	}
	if by.SourceIdentity != "" {
		s.SourceIdentity = by.SourceIdentity
	}
	s.Tags, s.Transitive = slices.Clone(s.Tags), slices.Clone(s.Transitive)
	for _, name := range by.Transitive {
		value, ok := identity.ValueOf(by.Tags, name)
		if !ok {
			continue
		}
		if _, again := identity.ValueOf(s.Tags, name); again {
			return key.Errorf(key.KindValidation,
				"The session tag %s is transitive, and cannot be changed by role chaining.", name)
		}
		s.Tags, s.Transitive = append(s.Tags, identity.Tag{Key: name, Value: value}), append(s.Transitive, name)
	}
	return nil
}
