package service

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var createGrant = change("CreateGrant", asks{{Action: "kms:CreateGrant", On: keyID("KeyId")}}, checkCreateGrant,
	func(c *call, in *api.CreateGrantRequest) (*api.CreateGrantResponse, error) {
		g, repeated, err := c.newGrant(in)
		if err != nil {
			return nil, err
		}
		token, err := c.sealGrantToken(g)
		if err != nil {
			return nil, err
		}
		c.details.response = fmt.Appendf(nil, `{"grantId":%q,"keyId":%q}`, g.ID, g.KeyARN())
		err = c.commit(func(tx *store.Tx) error {
			if err := putGrant(tx, g, repeated); err != nil {
				return err
			}
			return dryRunEnds(in.DryRun)
		})
		if err != nil {
			return nil, err
		}
		return &api.CreateGrantResponse{GrantId: &g.ID, GrantToken: &token}, nil
	})

// dryRunEnds returns errDryRun in a dry run, so that a transaction which has
// found nothing to refuse is not committed.
func dryRunEnds(dryRun *bool) error {
	if or(dryRun, false) {
		return errDryRun
	}
	return nil
}

func checkCreateGrant(in *api.CreateGrantRequest, _ time.Time) error {
	err := checkOneOf("GranteePrincipal", in.GranteePrincipal, "GranteeServicePrincipal", in.GranteeServicePrincipal)
	if err != nil {
		return err
	}
	if in.RetiringPrincipal != nil || in.RetiringServicePrincipal != nil {
		err := checkOneOf(
			"RetiringPrincipal", in.RetiringPrincipal, "RetiringServicePrincipal", in.RetiringServicePrincipal)
		if err != nil {
			return err
		}
	}
	return grantOf(in).Check()
}

// checkOneOf requires exactly one of two members, which name a principal or a service, and
// checks the name.
func checkOneOf(principalName string, principal *string, serviceName string, service *string) error {
	switch {
	case (principal == nil) == (service == nil):
		return key.Errorf(key.KindValidation, "You must specify either %s or %s, but not both.", principalName, serviceName)
	case principal != nil:
		return key.CheckPrincipal(*principal)
	}
	return key.CheckService(*service)
}

// grantOf returns the grant that the members describe, on no key yet.
func grantOf(in *api.CreateGrantRequest) key.Grant {
	g := key.Grant{
		Name:     or(in.Name, ""),
		Grantee:  key.Principal(or(in.GranteePrincipal, or(in.GranteeServicePrincipal, ""))),
		Retiring: key.Principal(or(in.RetiringPrincipal, or(in.RetiringServicePrincipal, ""))),
	}
	seen := map[string]bool{}
	for _, operation := range in.Operations {
		if !seen[operation] {
			g.Operations = append(g.Operations, operation)
		}
		seen[operation] = true
	}
	if in.Constraints != nil {
		g.Constraints = key.GrantConstraints{
			ContextEquals: pairs(in.Constraints.EncryptionContextEquals),
			ContextSubset: pairs(in.Constraints.EncryptionContextSubset),
			SourceARN:     or(in.Constraints.SourceArn, ""),
		}
	}
	return g
}

// pairs returns nil for a constraint without pairs: it counts as absent. Terraform's
// aws_kms_grant always sends both constraints.
func pairs(context map[string]string) map[string]string {
	if len(context) == 0 {
		return nil
	}
	return context
}

// newGrant returns the grant that the request describes or, repeated, the one that
// a request with the same name and members has made.
func (c *call) newGrant(in *api.CreateGrantRequest) (g key.Grant, repeated bool, err error) {
	k := c.key()
	g = grantOf(in)
	g.Account, g.Region, g.KeyID = k.Account, k.Region, k.ID
	g.IssuingAccount = c.Caller.Principal.AccountID
	g.CreationDate = c.now.Truncate(time.Millisecond)
	g.ID = newGrantID()
	if err := k.CheckGrant(g); err != nil || g.Name == "" {
		return g, false, err
	}
	path, err := records.GrantRequestPath(g)
	if err != nil {
		return g, false, err
	}
	made, repeated, err := read(c.source(), records.GrantRequests, path)
	if repeated {
		g.ID = made.GrantID
	}
	return g, repeated, err
}

// putGrant writes a new grant. If the request before the transaction found the same grant, or
// found none, the transaction must find the same.
func putGrant(tx *store.Tx, g key.Grant, repeated bool) error {
	if g.Name == "" {
		return records.InsertGrant(tx, g)
	}
	path, err := records.GrantRequestPath(g)
	if err != nil {
		return err
	}
	made, exists, err := records.GrantRequests.Get(tx, path)
	switch {
	case err != nil:
		return err
	case exists != repeated || exists && made.GrantID != g.ID:
		return store.ErrConflict
	case exists:
		return nil
	}
	return records.InsertGrant(tx, g)
}

// newGrantID returns 32 random bytes in hexadecimal.
func newGrantID() string {
	var b [32]byte
	rand.Read(b[:]) // never fails: the program ends first (crypto/rand)
	return hex.EncodeToString(b[:])
}
