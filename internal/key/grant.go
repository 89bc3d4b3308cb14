package key

import (
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

// MaxGrants is the quota of grants on one key.
const MaxGrants = 50_000

// The limits of grant constraints: the number of encryption context pairs, and the length of a value in code
// points. Source: CreateGrant in the API reference.
const (
	maxConstraintPairs = 8
	maxConstraintValue = 384
)

var (
	grantIDForm = regexp.MustCompile(`^[0-9a-f]{64}$`)
	sourceForm  = regexp.MustCompile(`^arn:[\w-]+:[\w-]+:[\w-]*:[0-9]*:\S+$`)
)

// A Grant lets a principal use one key in some operations. Grants are created and removed, but never changed.
type Grant struct {
	ID             string           `json:"id"` // 64 lower-case hexadecimal digits
	Account        string           `json:"account"`
	Region         string           `json:"region"`
	KeyID          string           `json:"keyId"`
	IssuingAccount string           `json:"issuingAccount"` // the account that created the grant
	CreationDate   time.Time        `json:"creationDate"`
	Name           string           `json:"name,omitzero"`
	Grantee        Principal        `json:"grantee"`
	Retiring       Principal        `json:"retiring,omitzero"` // may retire the grant, besides others
	Operations     []string         `json:"operations"`        // without duplicates
	Constraints    GrantConstraints `json:"constraints,omitzero"`
}

// GrantConstraints restrict a grant to some requests. A nil map sets no constraint. Records written by older
// versions can have both maps, or an empty ContextEquals, which matches only requests without an encryption
// context.
type GrantConstraints struct {
	ContextEquals map[string]string `json:"contextEquals,omitzero"` // the request must have exactly these pairs
	ContextSubset map[string]string `json:"contextSubset,omitzero"` // the request must have these pairs and may have more
	SourceARN     string            `json:"sourceArn,omitzero"`     // the resource on whose behalf the request is made
}

// KeyARN returns the Amazon Resource Name of the key that the grant applies to.
func (g Grant) KeyARN() string { return KeyARN(g.Account, g.Region, g.KeyID) }

// Request returns the part of the grant that its request determined. Two requests with the same name and equal
// Request values are repetitions: the second returns the grant that the first created.
func (g Grant) Request() Grant {
	g.ID, g.CreationDate = "", time.Time{}
	g.Operations = slices.Sorted(slices.Values(g.Operations))
	return g
}

// CheckGrantID returns an Error unless s has the form of a grant ID.
func CheckGrantID(s string) error {
	if !grantIDForm.MatchString(s) {
		return Errorf(KindInvalidGrantId, "Invalid grant ID '%s'", s)
	}
	return nil
}

// Check returns an Error unless the grant is valid apart from the key that it applies to. See [Key.CheckGrant].
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
		return Errorf(KindValidation, "A grant to a GranteeServicePrincipal needs a SourceArn constraint, and a "+
			"RetiringPrincipal or a RetiringServicePrincipal.")
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
			return Errorf(KindValidation, "A grant constraint can have at most %d pairs of an encryption context.",
				maxConstraintPairs)
		}
		for _, v := range context {
			if utf8.RuneCountInString(v) > maxConstraintValue {
				return Errorf(KindValidation, "A value of an encryption context in a grant constraint can have at most %d "+
					"characters.", maxConstraintValue)
			}
		}
	}
	if c.SourceARN != "" && !sourceForm.MatchString(c.SourceARN) {
		return Errorf(KindInvalidArn, "'%s' is not the ARN of a resource.", c.SourceARN)
	}
	return nil
}

// CheckGrant returns an Error unless a grant that passed Check may apply to this key.
func (k Key) CheckGrant(g Grant) error {
	allowed := grantOperations(k)
	for _, operation := range g.Operations {
		if !slices.Contains(allowed, operation) {
			return Errorf(KindValidation, "A grant on %s cannot allow the operation %s, which is not for keys of its spec "+
				"and usage.", k.ARN(), operation)
		}
	}
	onContext := g.Constraints.ContextEquals != nil || g.Constraints.ContextSubset != nil
	if onContext && k.Spec != SymmetricDefault {
		return Errorf(KindValidation, "A grant on %s cannot have a constraint on the encryption context, which operations "+
			"with a key of the spec %s do not have.", k.ARN(), k.Spec)
	}
	return nil
}
