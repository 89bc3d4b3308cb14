package service

import (
	"strconv"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
)

// conditionValues are the values of condition keys, by their names in lower case.
type conditionValues map[string][]string

// Values returns the values of a condition key.
func (v conditionValues) Values(name string) []string { return v[name] }

// set gives a key one value, unless it is empty.
func (v conditionValues) set(name, value string) {
	if value != "" {
		v[name] = []string{value}
	}
}

// tags gives the keys that begin with prefix the values of tags.
func (v conditionValues) tags(prefix string, tags []identity.Tag) {
	for _, t := range tags {
		v[prefix+strings.ToLower(t.Key)] = []string{t.Value}
	}
}

// globalValues returns the values of the global condition keys that follow from who
// sent the request and how, but for those that package policy derives itself.
// Source: "AWS global condition context keys".
func (c *call) globalValues() conditionValues {
	p, v := c.Caller.Principal, conditionValues{}
	v.set("aws:sourceip", c.SourceIP)
	v.set("aws:useragent", c.UserAgent)
	v.set("aws:securetransport", strconv.FormatBool(c.Secure))
	v.set("aws:requestedregion", c.Caller.Region)
	if p.Kind == identity.KindWebIdentity {
		return v
	}
	v.set("aws:userid", p.ID)
	v.set("aws:username", p.UserName)
	v.tags("aws:principaltag/", p.Tags)
	if s := p.Session; s != nil {
		v.set("aws:tokenissuetime", s.Issued.UTC().Format(time.RFC3339))
		v.set("aws:multifactorauthpresent", "false")
		v.set("aws:sourceidentity", s.SourceIdentity)
		v.web(s.Web)
	}
	return v
}

// web gives the keys their values that tell who somebody is to an OIDC provider.
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
