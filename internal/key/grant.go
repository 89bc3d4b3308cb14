package key

import (
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// MaxGrants is the quota of grants on one key.
const MaxGrants = 50_000

// The limits of the constraints of a grant: pairs of an encryption context, and
// code points of a value in it. Source: the operation CreateGrant.
const (
	maxConstraintPairs = 8
	maxConstraintValue = 384
)

var (
	grantIDForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	sourceForm  = regexp.MustCompile(`^arn:[\w-]+:[\w-]+:[\w-]*:[0-9]*:\S+$`)
)

// A Grant lets a principal use one key in some operations. It is never changed,
// only created and removed.
type Grant struct {
	ID             string           `json:"id"` // 64 lower-case hexadecimal digits
	Account        string           `json:"account"`
	Region         string           `json:"region"`
	KeyID          string           `json:"keyId"`
	IssuingAccount string           `json:"issuingAccount"` // of whoever created it
	CreationDate   time.Time        `json:"creationDate"`
	Name           string           `json:"name,omitzero"`
	Grantee        Principal        `json:"grantee"`
	Retiring       Principal        `json:"retiring,omitzero"` // who may retire it, beside others
	Operations     []string         `json:"operations"`        // each once
	Constraints    GrantConstraints `json:"constraints,omitzero"`
}

// GrantConstraints narrow a grant to some requests. A nil map is no constraint. Older
// programs stored both maps, and an empty ContextEquals, which only a request without an
// encryption context keeps.
type GrantConstraints struct {
	ContextEquals map[string]string `json:"contextEquals,omitzero"` // all pairs and no others
	ContextSubset map[string]string `json:"contextSubset,omitzero"` // these pairs among others
	SourceARN     string            `json:"sourceArn,omitzero"`     // of the resource that the request is made for
}

// KeyARN returns the Amazon Resource Name of the key that the grant is on.
func (g Grant) KeyARN() string { return KeyARN(g.Account, g.Region, g.KeyID) }

// Request returns what was asked for with the grant. Of two requests with one
// name and this in common, the second is a repetition of the first.
func (g Grant) Request() Grant {
	g.ID, g.CreationDate = "", time.Time{}
	g.Operations = slices.Sorted(slices.Values(g.Operations))
	return g
}

// CheckGrantID tells whether s has the form of a grant ID: nil or an Error.
func CheckGrantID(s string) error {
	if !grantIDForm.MatchString(s) {
		return Errorf(KindInvalidGrantId, "Invalid grant ID '%s'", s)
	}
	return nil
}

// Check tells whether the grant can be one, on whatever key: nil or an Error.
func (g Grant) Check() error {
	switch {
	case len(g.Operations) == 0:
		return Errorf(KindValidation, "A grant needs at least one operation.")
	case g.Grantee == "":
		return Errorf(KindValidation, "A grant needs a GranteePrincipal or a GranteeServicePrincipal.")
	}
	for _, p := range []Principal{g.Grantee, g.Retiring} {
		if err := p.check(); err != nil {
			return err
		}
	}
	if g.Grantee.IsService() && (g.Constraints.SourceARN == "" || g.Retiring == "") {
		return Errorf(KindValidation, "A grant to a GranteeServicePrincipal needs a SourceArn constraint, and a RetiringPrincipal or a RetiringServicePrincipal.")
	}
	return g.Constraints.check()
}

func (p Principal) check() error {
	switch {
	case p == "":
		return nil
	case p.IsService():
		return CheckService(string(p))
	}
	return CheckPrincipal(string(p))
}

func (c GrantConstraints) check() error {
	if c.ContextEquals != nil && c.ContextSubset != nil {
		return Errorf(KindValidation, "More than one constraint supplied")
	}
	for _, context := range []map[string]string{c.ContextEquals, c.ContextSubset} {
		if len(context) > maxConstraintPairs {
			return Errorf(KindValidation, "A grant constraint can have at most %d pairs of an encryption context.", maxConstraintPairs)
		}
		for _, v := range context {
			if utf8.RuneCountInString(v) > maxConstraintValue {
				return Errorf(KindValidation, "A value of an encryption context in a grant constraint can have at most %d characters.", maxConstraintValue)
			}
		}
	}
	if c.SourceARN != "" && !sourceForm.MatchString(c.SourceARN) {
		return Errorf(KindInvalidArn, "'%s' is not the ARN of a resource.", c.SourceARN)
	}
	return nil
}

// CheckGrant tells whether a grant that Check passed can be on this key: nil or
// an Error.
func (k Key) CheckGrant(g Grant) error {
	allowed := grantOperations(k)
	for _, operation := range g.Operations {
		if !slices.Contains(allowed, operation) {
			return Errorf(KindValidation, "A grant on %s cannot allow the operation %s, which is not for keys of its spec and usage.", k.ARN(), operation)
		}
	}
	onContext := g.Constraints.ContextEquals != nil || g.Constraints.ContextSubset != nil
	if onContext && k.Spec != SymmetricDefault {
		return Errorf(KindValidation, "A grant on %s cannot have a constraint on the encryption context, which operations with a key of the spec %s do not have.", k.ARN(), k.Spec)
	}
	return nil
}
