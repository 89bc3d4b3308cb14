package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

var grantOperations = []types.GrantOperation{types.GrantOperationDecrypt, types.GrantOperationEncrypt}

func grantConstraints() types.GrantConstraints {
	return types.GrantConstraints{EncryptionContextSubset: encryptionContext()}
}

// A granting is a key, a grantee and a retiring principal.
type granting struct {
	*walk
	arn              *string
	grantee, retirer *string
	named            *kms.CreateGrantOutput // the grant that has a name
}

// grants makes calls that create, use and end grants.
func grants(w *walk) {
	g := &granting{walk: w, arn: w.arns["symmetric"]}
	g.grantee, g.retirer = g.principal("role/archivist"), g.principal("user/auditor-"+rand.Text())
	g.creation()
	w.call("ListGrants", g.list)
	w.call("ListRetirableGrants", func() error {
		out, err := w.kms.ListRetirableGrants(w.ctx, &kms.ListRetirableGrantsInput{RetiringPrincipal: g.retirer})
		if err != nil {
			return err
		}
		return expect("the grants", grantIDs(out.Grants), []string{*g.named.GrantId})
	})
	g.tokens()
	g.ends()
}

func (g *granting) creation() {
	g.call("CreateGrant", func() (err error) {
		g.named, err = g.create("archive")
		return err
	})
	g.call("CreateGrant of the same name", func() error {
		again, err := g.create("archive")
		if err != nil {
			return err
		}
		got := []any{*again.GrantId, *again.GrantToken == *g.named.GrantToken}
		return expect("the grant, and whether the token is the same", got, []any{*g.named.GrantId, false})
	})
}

// create creates a grant. All grants here differ only in their names.
func (g *granting) create(name string) (*kms.CreateGrantOutput, error) {
	out, err := g.kms.CreateGrant(g.ctx, &kms.CreateGrantInput{
		KeyId: g.arn, Name: aws.String(name), GranteePrincipal: g.grantee, RetiringPrincipal: g.retirer,
		Operations: grantOperations, Constraints: new(grantConstraints()),
	})
	if err != nil {
		return nil, err
	}
	if out.GrantId == nil || out.GrantToken == nil {
		return nil, errors.New("the answer has no grant")
	}
	return out, nil
}

func (g *granting) list() error {
	out, err := g.kms.ListGrants(g.ctx, &kms.ListGrantsInput{KeyId: g.arn})
	if err != nil {
		return err
	}
	if err := expect("the grants", grantIDs(out.Grants), []string{*g.named.GrantId}); err != nil {
		return err
	}
	grant := out.Grants[0]
	slices.Sort(grant.Operations)
	names := []string{
		aws.ToString(grant.Name), aws.ToString(grant.GranteePrincipal), aws.ToString(grant.RetiringPrincipal),
	}
	if err := expect("the names", names, []string{"archive", *g.grantee, *g.retirer}); err != nil {
		return err
	}
	got := []any{grant.Operations, *cmp.Or(grant.Constraints, &types.GrantConstraints{})}
	if err := expect("the operations and the constraints", got, []any{grantOperations, grantConstraints()}); err != nil {
		return err
	}
	return near("the creation", grant.CreationDate, 0)
}

func (g *granting) tokens() {
	g.call("Encrypt with a grant token", func() error {
		out, err := g.encrypt(*g.named.GrantToken)
		if err != nil {
			return err
		}
		return g.decrypts(&kms.DecryptInput{
			CiphertextBlob: out.CiphertextBlob, EncryptionContext: encryptionContext(),
			GrantTokens: []string{*g.named.GrantToken},
		}, g.arn, plaintext)
	})
	g.call("Encrypt with a token of no grant", func() error {
		_, err := g.encrypt("made-up")
		return refused[*types.InvalidGrantTokenException](err)
	})
}

func (g *granting) encrypt(token string) (*kms.EncryptOutput, error) {
	return g.kms.Encrypt(g.ctx, &kms.EncryptInput{
		KeyId: g.arn, Plaintext: plaintext, EncryptionContext: encryptionContext(), GrantTokens: []string{token},
	})
}

func (g *granting) ends() {
	g.call("RetireGrant by its token", func() error {
		if _, err := g.kms.RetireGrant(g.ctx, &kms.RetireGrantInput{GrantToken: g.named.GrantToken}); err != nil {
			return err
		}
		return g.noneLeft()
	})
	g.call("Encrypt with the token of a retired grant", func() error {
		_, err := g.encrypt(*g.named.GrantToken)
		return refused[*types.InvalidGrantTokenException](err)
	})
	g.call("RetireGrant by its ID", func() error {
		made, err := g.create("to-retire")
		if err != nil {
			return err
		}
		if _, err := g.kms.RetireGrant(g.ctx, &kms.RetireGrantInput{KeyId: g.arn, GrantId: made.GrantId}); err != nil {
			return err
		}
		return g.noneLeft()
	})
	revoke := &kms.RevokeGrantInput{KeyId: g.arn}
	g.call("RevokeGrant", func() error {
		made, err := g.create("to-revoke")
		if err != nil {
			return err
		}
		revoke.GrantId = made.GrantId
		if _, err := g.kms.RevokeGrant(g.ctx, revoke); err != nil {
			return err
		}
		return g.noneLeft()
	})
	g.call("RevokeGrant of no grant", func() error {
		_, err := g.kms.RevokeGrant(g.ctx, revoke)
		return refused[*types.NotFoundException](err)
	})
}

func (g *granting) noneLeft() error {
	out, err := g.kms.ListGrants(g.ctx, &kms.ListGrantsInput{KeyId: g.arn})
	if err != nil {
		return err
	}
	return expect("the grants", grantIDs(out.Grants), []string{})
}

func grantIDs(grants []types.GrantListEntry) []string {
	ids := []string{}
	for _, g := range grants {
		ids = append(ids, aws.ToString(g.GrantId))
	}
	return ids
}

// principal returns the ARN of a principal in the account of the key.
func (g *granting) principal(name string) *string {
	account := strings.Split(aws.ToString(g.arn)+":::::", ":")[4]
	return aws.String("arn:aws:iam::" + account + ":" + name)
}
