package service

import (
	"slices"
	"testing"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/webidentity"
)

// spellings has, for each family of names, a condition and three requests: an innocent one, one
// that satisfies the condition, and one that hides the value behind a second spelling of its
// name.
var spellings = map[string]struct{ operation, condition, innocent, guilty, hidden string }{
	"request tags": {"TagResource", "StringEquals aws:RequestTag/level top",
		`{"Tags":[{"TagKey":"level","TagValue":"x"}]}`, `{"Tags":[{"TagKey":"Level","TagValue":"top"}]}`,
		`{"Tags":[{"TagKey":"LEVEL","TagValue":"x"},{"TagKey":"level","TagValue":"top"}]}`},
	"request tags, the other first": {"TagResource", "StringEquals aws:RequestTag/level top",
		`{"Tags":[{"TagKey":"LEVEL","TagValue":"x"}]}`, `{"Tags":[{"TagKey":"level","TagValue":"top"}]}`,
		`{"Tags":[{"TagKey":"level","TagValue":"top"},{"TagKey":"LEVEL","TagValue":"x"}]}`},
	"request tags, the Kelvin sign": {"TagResource", "StringEquals aws:RequestTag/kind top",
		`{"Tags":[{"TagKey":"kind","TagValue":"x"}]}`, `{"Tags":[{"TagKey":"kind","TagValue":"top"}]}`,
		`{"Tags":[{"TagKey":"\u212aind","TagValue":"x"},{"TagKey":"kind","TagValue":"top"}]}`},
	"tags of a new key": {"CreateKey", "StringEquals aws:RequestTag/level top",
		`{"Tags":[{"TagKey":"level","TagValue":"x"}]}`, `{"Tags":[{"TagKey":"Level","TagValue":"top"}]}`,
		`{"Tags":[{"TagKey":"LEVEL","TagValue":"x"},{"TagKey":"level","TagValue":"top"}]}`},
	"names of tags": {"TagResource", "ForAnyValue:StringEquals aws:TagKeys level",
		`{"Tags":[{"TagKey":"other","TagValue":"x"}]}`, `{"Tags":[{"TagKey":"level","TagValue":"x"}]}`,
		`{"Tags":[{"TagKey":"LEVEL","TagValue":"x"},{"TagKey":"level","TagValue":"x"}]}`},
	"names of tags to be removed": {"UntagResource", "ForAnyValue:StringEquals aws:TagKeys level",
		`{"TagKeys":["other"]}`, `{"TagKeys":["level"]}`, `{"TagKeys":["LEVEL","level"]}`},
	"an encryption context": {"Encrypt", "StringEquals kms:EncryptionContext:level top",
		inContext(`{"level":"x"}`), inContext(`{"Level":"top"}`), inContext(`{"LEVEL":"x","level":"top"}`)},
	"names of an encryption context": {"Encrypt", "ForAnyValue:StringEquals kms:EncryptionContextKeys level",
		inContext(`{"other":"x"}`), inContext(`{"level":"x"}`), inContext(`{"LEVEL":"x","level":"x"}`)},
}

// A second spelling of a name hides nothing from a Deny, and makes no Allow allow.
func TestNamesThatDifferByCaseHideNothing(t *testing.T) {
	c := newAccessTest(t)
	on := c.key()
	for name, s := range spellings {
		t.Run(name, func(t *testing.T) {
			c := c.in(t)
			c.user("alice", with(c.identity("allow kms:*", "deny kms:"+s.operation+" if "+s.condition)))
			c.as("alice").may(s.operation, on, s.innocent)
			c.as("alice").mayNot(s.operation, on, s.guilty)
			c.as("alice").mayNot(s.operation, on, s.hidden)
			c.user("bob", with(c.identity("allow kms:TagResource,kms:"+s.operation+" if "+s.condition)))
			c.as("bob").mayNot(s.operation, on, s.innocent)
			c.as("bob").may(s.operation, on, s.guilty)
			if s.condition[:3] == "For" { // the operator is for several values
				c.as("bob").may(s.operation, on, s.hidden)
			} else {
				c.as("bob").mayNot(s.operation, on, s.hidden)
			}
		})
	}
}

// Tags of keys and tags of principals whose names differ by case alone are several values of one
// condition key, too.
func TestTagsOfRecordsHideNothing(t *testing.T) {
	c := newAccessTest(t)
	secret := c.keyLike(`{"Tags":[{"TagKey":"CLASSIFICATION","TagValue":"public"},{"TagKey":"classification","TagValue":"secret"}]}`)
	public := c.keyLike(`{"Tags":[{"TagKey":"Classification","TagValue":"public"}]}`)
	for kind, as := range map[string]func(document string, tags ...func(*identity.Entity)) actor{
		"a user": func(document string, tags ...func(*identity.Entity)) actor {
			c.user("alice", append(tags, with(document))...)
			return c.as("alice")
		},
		"a session": func(document string, tags ...func(*identity.Entity)) actor {
			c.role("app", append(tags, with(document))...)
			return c.as("role/app")
		},
	} {
		t.Run(kind, func(t *testing.T) {
			c := c.in(t)
			resource := c.identity("allow kms:*", "deny kms:Encrypt if StringEquals aws:ResourceTag/classification secret")
			as(resource).mayNot("Encrypt", secret)
			as(resource).may("Encrypt", public)
			principal := c.identity("allow kms:*", "deny kms:Encrypt if StringEquals aws:PrincipalTag/team red")
			as(principal, tag("Team", "blue"), tag("team", "red")).mayNot("Encrypt", public)
			as(principal, tag("Team", "red")).mayNot("Encrypt", public)
			as(principal, tag("Team", "blue")).may("Encrypt", public)
			only := c.identity("allow kms:Encrypt if StringEquals aws:PrincipalTag/team blue")
			as(only, tag("Team", "blue"), tag("team", "red")).mayNot("Encrypt", public)
			as(only, tag("TEAM", "blue")).may("Encrypt", public)
			variable := c.identity("allow kms:*", "deny kms:Encrypt if StringEquals kms:EncryptionContext:a ${aws:PrincipalTag/team}")
			as(variable, tag("Team", "blue"), tag("team", "red")).mayNot("Encrypt", public, inContext(`{"a":"red"}`))
			as(variable, tag("Team", "blue")).may("Encrypt", public, inContext(`{"a":"red"}`))
		})
	}
}

// The tags of a question of STS have all their values. Requests with such tags are refused
// before.
func TestSpellingsOfSessionTags(t *testing.T) {
	p := newPeople(t)
	twice := []identity.Tag{{Key: "Team", Value: "blue"}, {Key: "team", Value: "red"}, {Key: "other", Value: "x"}}
	a := assumption{session: identity.Session{Tags: twice}}
	role := identity.Role{Entity: identity.Entity{Account: homeAccount, Tags: twice}}
	v := (&call{Service: p.Service, Request: Request{Caller: identity.Caller{Principal: identity.Principal{Kind: identity.KindUser, Tags: twice}}}}).assumeValues(role, a)
	for name, want := range map[string][]string{
		"aws:requesttag/team":   {"blue", "red"},
		"aws:resourcetag/team":  {"blue", "red"},
		"aws:principaltag/team": {"blue", "red"},
		"aws:requesttag/other":  {"x"},
		"aws:tagkeys":           {"Team", "team", "other"},
	} {
		if got := v.Values(name); !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	_, err := p.assume(p.as("alice"), "deployer", func(in *sts.AssumeRoleRequest) { in.Tags = append(stsTag("team", "a"), stsTag("Team", "b")...) })
	p.wantRefusal(err, key.KindValidation, "Duplicate tag keys")
	claims := webidentity.Claims{Tags: webidentity.Tags{Principal: map[string][]string{"team": {"a"}, "Team": {"b"}}}}
	if err := takeClaims(&identity.Session{}, claims); err == nil {
		t.Error("a token has a tag in two spellings")
	}
}
