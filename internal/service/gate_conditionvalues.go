package service

import (
	"strconv"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/policy"
)

// fromCaller lists the global condition keys that follow from the sender and the connection of a
// request to any API, except the keys that package policy derives. Source: "AWS global condition
// context keys".
var fromCaller = map[string]func(c *call) []string{
	"aws:requestedregion":        func(c *call) []string { return one(c.Caller.Region) },
	"aws:securetransport":        func(c *call) []string { return one(strconv.FormatBool(c.Secure)) },
	"aws:sourceip":               func(c *call) []string { return one(c.SourceIP) },
	"aws:useragent":              func(c *call) []string { return one(c.UserAgent) },
	"aws:userid":                 func(c *call) []string { return one(c.Caller.Principal.ID) },
	"aws:username":               func(c *call) []string { return one(c.Caller.Principal.UserName) },
	"aws:multifactorauthpresent": ofSession(func(*identity.Session) string { return "false" }),
	"aws:tokenissuetime":         ofSession(issueTime),
	"aws:sourceidentity":         ofSession(func(s *identity.Session) string { return s.SourceIdentity }),
	"aws:federatedprovider":      ofSession(federatedProvider),
}

// ofSession returns the value of a condition key that temporary credentials have. A caller with
// a web identity does not have temporary credentials yet.
func ofSession(value func(*identity.Session) string) func(*call) []string {
	return func(c *call) []string {
		if p := c.Caller.Principal; p.Session != nil && p.Kind != identity.KindWebIdentity {
			return one(value(p.Session))
		}
		return nil
	}
}

func issueTime(s *identity.Session) string { return s.Issued.UTC().Format(time.RFC3339) }

func federatedProvider(s *identity.Session) string {
	if s.Web == nil {
		return ""
	}
	return s.Web.Provider
}

// principalTag returns the values of the caller's tags with a name. Values may be empty. There
// are several if the names of tags differ by case alone.
func (c *call) principalTag(name string) []string {
	if c.principalTags == nil {
		c.principalTags = byName{}
		for _, t := range c.Caller.Principal.Tags {
			c.principalTags.add(t.Key, t.Value)
		}
	}
	return c.principalTags[name]
}

// conditionValues are the values of condition keys for a question of STS: the values that the
// question adds, by condition key in lower case, and the values of the caller.
type conditionValues struct {
	c   *call
	own map[string][]string
}

// stsValues returns the values of the caller. For a session of a user of an OIDC provider, they
// include the values about the user.
func (c *call) stsValues() conditionValues {
	v := conditionValues{c, map[string][]string{}}
	if p := c.Caller.Principal; p.Session != nil && p.Kind != identity.KindWebIdentity {
		v.web(p.Session.Web)
	}
	return v
}

// Values implements policy.Values.
func (v conditionValues) Values(name string) []string {
	if own, ok := v.own[name]; ok {
		return own
	}
	if of := fromCaller[name]; of != nil {
		return of(v.c)
	}
	if tag, ok := strings.CutPrefix(name, "aws:principaltag/"); ok {
		return v.c.principalTag(tag)
	}
	return nil
}

// set sets a condition key to one value, unless the value is empty.
func (v conditionValues) set(name, value string) {
	if value != "" {
		v.own[name] = []string{value}
	}
}

// tags sets, for each tag, the condition key of prefix and the tag's name.
func (v conditionValues) tags(prefix string, tags []identity.Tag) {
	for _, t := range tags {
		byName(v.own).add(prefix+t.Key, t.Value)
	}
}

// web sets the condition keys that identify a user of an OIDC provider.
// Source: "Available keys for AWS OIDC federation".
func (v conditionValues) web(w *identity.WebIdentity) {
	if w == nil {
		return
	}
	v.set("aws:federatedprovider", w.Provider)
	issuer := strings.ToLower(w.Issuer)
	v.set(issuer+":aud", w.Audience)
	v.set(issuer+":sub", w.Subject)
}

// byName are the values of condition keys that end with a name that the user chooses, by that
// name as policy.Fold returns it. The names of tags, and of pairs of an encryption context, can
// differ by case alone, but the names of condition keys cannot. Such names therefore share one
// condition key with several values: no value makes a policy allow, and each can make a policy
// deny.
type byName map[string][]string

func (b byName) add(name, value string) {
	name = policy.Fold(name)
	b[name] = append(b[name], value)
}

// lazyValues are values that are looked up at most once.
type lazyValues struct {
	looked bool
	values []string
}

// once calls look the first time, and returns the same values every time.
func (f *lazyValues) once(look func() []string) []string {
	if !f.looked {
		f.looked, f.values = true, look()
	}
	return f.values
}
