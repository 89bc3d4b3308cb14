package service

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// An attempt is an action that an actor tries.
type attempt func() error

// A move is an attack that must fail, together with a legitimate attempt that differs in one
// thing and must succeed. Without the legitimate attempt, a fixture in which every request fails
// would pass.
type move struct {
	name string
	play func(c accessTest) (attack, legitimate attempt)
}

// TestAttacks tries attacks on permissions. Attacks before authentication are in package
// server.
func TestAttacks(t *testing.T) {
	all := [][]move{grantMoves, policyMoves, aliasMoves, accountMoves, contextMoves, ciphertextMoves, sessionMoves, identityMoves, tagMoves, administrationMoves, importMoves, existenceMoves}
	seen := map[string]bool{}
	for _, moves := range all {
		for _, m := range moves {
			if seen[m.name] {
				t.Errorf("%s: twice", m.name)
			}
			seen[m.name] = true
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				attack, legitimate := m.play(newAccessTest(t))
				err := attack()
				if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind == key.KindDryRunOperation {
					t.Errorf("the attack: %v", err)
				}
				if err := legitimate(); err != nil {
					t.Errorf("the legitimate attempt: %v", err)
				}
			})
		}
	}
	if t.Logf("%d moves", len(seen)); len(seen) < 60 {
		t.Error("there were to be 60 moves")
	}
}

// asks returns an attempt of the actor.
func (a actor) asks(operation, on string, members ...string) attempt {
	return func() error {
		a.Helper()
		_, err := a.try(operation, on, members...)
		return err
	}
}

// grantMembers returns the members of CreateGrant.
func grantMembers(operations, constraints string) string {
	return `{"Operations":["` + strings.ReplaceAll(operations, ",", `","`) + `"],"Constraints":` + constraints + `}`
}

var grantMoves = []move{
	{"a grantee hands on an operation more", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt,CreateGrant")
		return c.as("alice").asks("CreateGrant", k, grantMembers("Encrypt,Decrypt", `{}`)), c.as("alice").asks("CreateGrant", k, grantMembers("Encrypt", `{}`))
	}},
	{"a grantee hands on without the constraint", constrainedMove(`{"EncryptionContextEquals":{"a":"1"}}`, `{}`, `{"EncryptionContextEquals":{"a":"1"}}`)},
	{"a grantee loosens what must be equal to a part", constrainedMove(`{"EncryptionContextEquals":{"a":"1"}}`, `{"EncryptionContextSubset":{"a":"1"}}`, `{"EncryptionContextEquals":{"a":"1"}}`)},
	{"a grantee hands on another value of the constraint", constrainedMove(`{"EncryptionContextSubset":{"a":"1"}}`, `{"EncryptionContextSubset":{"a":"2"}}`, `{"EncryptionContextSubset":{"a":"1","b":"2"}}`)},
	{"a grantee hands on the value of a constraint in another case", constrainedMove(`{"EncryptionContextSubset":{"a":"x"}}`, `{"EncryptionContextSubset":{"a":"X"}}`, `{"EncryptionContextSubset":{"A":"x"}}`)},
	{"a grantee hands on a constraint with a name in two cases", constrainedMove(`{"EncryptionContextSubset":{"a":"1"}}`, `{"EncryptionContextSubset":{"a":"1","A":"2"}}`, `{"EncryptionContextSubset":{"A":"1","b":"2"}}`)},
	{"a grantee hands on an empty constraint", constrainedMove(`{"EncryptionContextSubset":{"a":"1"}}`, `{"EncryptionContextEquals":{}}`, `{"EncryptionContextEquals":{"a":"1"}}`)},
	{"a grandchild is wider than its parent", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt,Decrypt,CreateGrant")
		c.as("alice").grants(k, "bob", "Encrypt,CreateGrant")
		return c.as("bob").asks("CreateGrant", k, grantMembers("Decrypt", `{}`)), c.as("bob").asks("CreateGrant", k, grantMembers("Encrypt", `{}`))
	}},
	{"a child grants itself an operation that it lacks", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt,Decrypt,CreateGrant")
		c.as("alice").grants(k, "bob", "CreateGrant")
		return c.as("bob").asks("CreateGrant", k, grantMembers("CreateGrant,Encrypt", `{}`)), c.as("bob").asks("CreateGrant", k, grantMembers("CreateGrant", `{}`))
	}},
	{"two grants are added up in a child", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt,CreateGrant")
		c.root().grants(k, "alice", "Decrypt,CreateGrant")
		return c.as("alice").asks("CreateGrant", k, grantMembers("Encrypt,Decrypt", `{}`)), c.as("alice").asks("CreateGrant", k, grantMembers("Decrypt", `{}`))
	}},
	{"a grant is made again after its parent was retired", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob")
		k := c.key()
		_, token := c.root().grants(k, "alice", "Encrypt,CreateGrant,RetireGrant")
		c.root().grants(k, "bob", "Encrypt,CreateGrant,RetireGrant")
		c.as("alice").does("RetireGrant", "", `{"GrantToken":"`+token+`"}`)
		return c.as("alice").asks("CreateGrant", k, grantMembers("Encrypt", `{}`)), c.as("bob").asks("CreateGrant", k, grantMembers("Encrypt", `{}`))
	}},
	{"a grantee creates a grant without being let to", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt")
		c.root().grants(k, "bob", "Encrypt,CreateGrant")
		return c.as("alice").asks("CreateGrant", k, grantMembers("Encrypt", `{}`)), c.as("bob").asks("CreateGrant", k, grantMembers("Encrypt", `{}`))
	}},
	{"a grantee does what the grant has not", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt")
		return c.as("alice").asks("GenerateDataKey", k), c.as("alice").asks("Encrypt", k)
	}},
	{"a grant is to let administer", func(c accessTest) (attempt, attempt) {
		k := c.key()
		grant := func(operation string) attempt {
			return func() error {
				in := &api.CreateGrantRequest{KeyId: &k, GranteePrincipal: new(who("home")), Operations: []string{operation}}
				_, err := c.do(identity.Root(homeAccount), "CreateGrant", in)
				return err
			}
		}
		return grant("PutKeyPolicy"), grant("Decrypt")
	}},
	{"a token of a grant on another key", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k, other := c.key(), c.key()
		_, token := c.root().grants(k, "alice", "Encrypt")
		return c.as("alice").asks("Encrypt", other, withGrantToken(token)), c.as("alice").asks("Encrypt", k, withGrantToken(token))
	}},
	{"a token of somebody else's grant", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("mallory")
		k := c.key()
		_, token := c.root().grants(k, "alice", "Encrypt")
		return c.as("mallory").asks("Encrypt", k, withGrantToken(token)), c.as("alice").asks("Encrypt", k, withGrantToken(token))
	}},
	{"a token of a grant that was revoked", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		id, token := c.root().grants(k, "alice", "Encrypt")
		_, good := c.root().grants(k, "alice", "Encrypt")
		c.root().does("RevokeGrant", k, `{"GrantId":"`+id+`"}`)
		return c.as("alice").asks("Encrypt", k, withGrantToken(token)), c.as("alice").asks("Encrypt", k, withGrantToken(good))
	}},
	{"a token of another deployment", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		_, token := c.root().grants(k, "alice", "Encrypt")
		other := newAccessTest(c.T)
		_, foreign := other.root().grants(other.key(), "alice", "Encrypt")
		return c.as("alice").asks("Encrypt", k, withGrantToken(foreign)), c.as("alice").asks("Encrypt", k, withGrantToken(token))
	}},
	{"a token with a bit changed", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		_, token := c.root().grants(k, "alice", "Encrypt")
		return flips(token, func(token string) error { return c.as("alice").asks("Encrypt", k, withGrantToken(token))() }), c.as("alice").asks("Encrypt", k, withGrantToken(token))
	}},
	{"a grantee outside the context of the grant", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt", `{"Constraints":{"EncryptionContextEquals":{"a":"1"}}}`)
		return c.as("alice").asks("Encrypt", k, inContext(`{"a":"1","b":"2"}`)), c.as("alice").asks("Encrypt", k, inContext(`{"a":"1"}`))
	}},
	{"a grantee that no service sent", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt", `{"Constraints":{"SourceArn":"arn:aws:s3:::bucket"}}`)
		c.root().grants(k, "bob", "Encrypt")
		return c.as("alice").asks("Encrypt", k), c.as("bob").asks("Encrypt", k)
	}},
	{"a session policy is left behind by a grant", func(c accessTest) (attempt, attempt) {
		c.role("app")
		k := c.key()
		c.root().grants(k, "role/app", "Encrypt")
		return c.session("app", sessionPolicy(c.identity("allow kms:Decrypt"))).asks("Encrypt", k), c.session("app", sessionPolicy(c.identity("allow kms:Encrypt"))).asks("Encrypt", k)
	}},
	{"a boundary is left behind by a grant", func(c accessTest) (attempt, attempt) {
		c.role("bounded", c.boundary("allow kms:Decrypt"))
		c.role("free")
		k := c.key()
		c.root().grants(k, "role/bounded", "Encrypt")
		c.root().grants(k, "role/free", "Encrypt")
		return c.as("role/bounded").asks("Encrypt", k), c.as("role/free").asks("Encrypt", k)
	}},
	{"a denial is left behind by a grant", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("deny kms:Encrypt")))
		c.user("bob")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt")
		c.root().grants(k, "bob", "Encrypt")
		return c.as("alice").asks("Encrypt", k), c.as("bob").asks("Encrypt", k)
	}},
	{"a grantee revokes the grants of others", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt,RetireGrant,CreateGrant")
		id, _ := c.root().grants(k, "home", "Encrypt")
		return c.as("alice").asks("RevokeGrant", k, `{"GrantId":"`+id+`"}`), c.root().asks("RevokeGrant", k, `{"GrantId":"`+id+`"}`)
	}},
	{"somebody retires a grant of others", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob")
		_, token := c.root().grants(c.key(), "alice", "Encrypt,RetireGrant")
		return c.as("bob").asks("RetireGrant", "", `{"GrantToken":"`+token+`"}`), c.as("alice").asks("RetireGrant", "", `{"GrantToken":"`+token+`"}`)
	}},
	{"the key policy lets retire grants", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob", with(c.identity("allow kms:RetireGrant")))
		k := c.key("allow home kms:*", "allow alice kms:RetireGrant")
		_, token := c.root().grants(k, "home", "Encrypt")
		return c.as("alice").asks("RetireGrant", "", `{"GrantToken":"`+token+`"}`), c.as("bob").asks("RetireGrant", "", `{"GrantToken":"`+token+`"}`)
	}},
	{"a session retires a grant against its session policy", func(c accessTest) (attempt, attempt) {
		c.role("app")
		_, token := c.root().grants(c.key(), "home", "Encrypt", `{"RetiringPrincipal":"`+who("role/app")+`"}`)
		members := `{"GrantToken":"` + token + `"}`
		return c.session("app", sessionPolicy(c.identity("allow kms:Encrypt"))).asks("RetireGrant", "", members), c.as("role/app").asks("RetireGrant", "", members)
	}},
	{"the grants of a key are listed by who may only use it", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:Encrypt")))
		c.user("bob", with(c.identity("allow kms:ListGrants")))
		k := c.key()
		return c.as("alice").asks("ListGrants", k), c.as("bob").asks("ListGrants", k)
	}},
	{"the grants are listed that somebody of another account retires", func(c accessTest) (attempt, attempt) {
		return c.root().asks("ListRetirableGrants", "", `{"RetiringPrincipal":"`+who("other")+`"}`), c.root().asks("ListRetirableGrants", "")
	}},
}

// constrainedMove returns the move of a grantee under a constraint, who creates a grant with another constraint.
func constrainedMove(parent, attack, legitimate string) func(c accessTest) (attempt, attempt) {
	return func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		c.root().grants(k, "alice", "Encrypt,CreateGrant", `{"Constraints":`+parent+`}`)
		return c.as("alice").asks("CreateGrant", k, grantMembers("Encrypt", attack)), c.as("alice").asks("CreateGrant", k, grantMembers("Encrypt", legitimate))
	}
}

// flips tries a base64 text with each of its bits changed, and returns the first
// error that is nil or else the last one.
func flips(text string, try func(string) error) attempt {
	return func() (err error) {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		for i := range raw {
			changed := bytes.Clone(raw)
			changed[i] ^= 1 << (i % 8)
			if err = try(base64.StdEncoding.EncodeToString(changed)); err == nil {
				return nil
			}
		}
		return err
	}
}

// policyMembers returns the members of PutKeyPolicy.
func policyMembers(policy string) string {
	return fmt.Sprintf(`{"Policy":%q,"BypassPolicyLockoutSafetyCheck":false}`, policy)
}

var policyMoves = []move{
	{"a key policy that locks everybody out", func(c accessTest) (attempt, attempt) {
		k := c.key()
		return c.root().asks("PutKeyPolicy", k, policyMembers(c.document(true, "allow home kms:Encrypt"))), c.root().asks("PutKeyPolicy", k, policyMembers(c.document(true, "allow home kms:Put*")))
	}},
	{"a key policy that denies its own replacement", func(c accessTest) (attempt, attempt) {
		k := c.key()
		return c.root().asks("PutKeyPolicy", k, policyMembers(c.document(true, "allow home kms:*", "deny everybody kms:Put*"))),
			c.root().asks("PutKeyPolicy", k, policyMembers(c.document(true, "allow home kms:*", "deny everybody kms:Sign")))
	}},
	{"a key policy for a name that somebody may get", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key()
		return c.root().asks("PutKeyPolicy", k, policyMembers(c.document(true, "allow home kms:*", "allow mallory kms:*"))),
			c.root().asks("PutKeyPolicy", k, policyMembers(c.document(true, "allow home kms:*", "allow alice kms:*")))
	}},
	{"the lock-out check is switched off by a user who may not do so", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:*", "deny kms:* if Bool kms:BypassPolicyLockoutSafetyCheck true")))
		k, policy := c.key(), c.document(true, "allow home kms:*")
		return c.as("alice").asks("PutKeyPolicy", k, policyMembers(policy), `{"BypassPolicyLockoutSafetyCheck":true}`), c.as("alice").asks("PutKeyPolicy", k, policyMembers(policy))
	}},
	{"a user of a key rewrites its policy", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:Encrypt,kms:Decrypt,kms:Get*,kms:TagResource")))
		c.user("bob", with(c.identity("allow kms:PutKeyPolicy")))
		k, policy := c.key(), policyMembers(c.document(true, "allow home kms:*"))
		return c.as("alice").asks("PutKeyPolicy", k, policy), c.as("bob").asks("PutKeyPolicy", k, policy)
	}},
	{"an administrator of keys uses them", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key("allow alice kms:Put*,kms:Enable*,kms:Disable*,kms:Describe*", "allow home kms:Encrypt")
		return c.as("alice").asks("Encrypt", k), c.as("alice").asks("DescribeKey", k)
	}},
	{"the root uses a key whose policy leaves it out", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key("allow alice kms:Encrypt")
		return c.root().asks("Encrypt", k), c.as("alice").asks("Encrypt", k)
	}},
	{"a policy of a user is against a key policy that leaves nothing to the account", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow *")))
		return c.as("alice").asks("Encrypt", c.key("allow role/app kms:*")), c.as("alice").asks("Encrypt", c.key("allow home kms:*"))
	}},
	{"an action in another case slips past a denial", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:*", "deny KMS:ENCRYPT")))
		k := c.key()
		return c.as("alice").asks("Encrypt", k), c.as("alice").asks("GenerateDataKey", k)
	}},
	{"the ID of a key in the place of the ARN slips past a denial", func(c accessTest) (attempt, attempt) {
		k, other := c.key(), c.key()
		c.user("alice", with(c.identity("allow kms:*", "deny kms:* on "+k)))
		return c.as("alice").asks("Encrypt", idOf(k)), c.as("alice").asks("Encrypt", idOf(other))
	}},
	{"an alias in the place of the ARN slips past a denial", func(c accessTest) (attempt, attempt) {
		k, other := c.key(), c.key()
		c.root().does("CreateAlias", k, `{"AliasName":"alias/k"}`)
		c.root().does("CreateAlias", other, `{"AliasName":"alias/other"}`)
		c.user("alice", with(c.identity("allow kms:*", "deny kms:* on "+k)))
		return c.as("alice").asks("Encrypt", "alias/k"), c.as("alice").asks("Encrypt", "alias/other")
	}},
	{"a typing error in a condition opens a key", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		return c.as("alice").asks("Encrypt", c.key("allow alice kms:Encrypt if StringNotEquals kms:KeySpeck RSA_2048")),
			c.as("alice").asks("Encrypt", c.key("allow alice kms:Encrypt if StringNotEquals kms:KeySpec RSA_2048"))
	}},
	{"a typing error in a condition takes a denial away", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		return c.as("alice").asks("Encrypt", c.key("allow alice kms:Encrypt", "deny alice kms:Encrypt if StringEquals kms:KeySpeck RSA_2048")),
			c.as("alice").asks("Encrypt", c.key("allow alice kms:Encrypt", "deny alice kms:Encrypt if StringEquals kms:KeySpec RSA_2048"))
	}},
	{"a permission counts that a policy has on another key", func(c accessTest) (attempt, attempt) {
		k, other := c.key(), c.key()
		c.user("alice", with(c.identity("allow kms:Encrypt on "+k)))
		return c.as("alice").asks("Encrypt", other), c.as("alice").asks("Encrypt", k)
	}},
	{"a path in a user's ARN is left out", func(c accessTest) (attempt, attempt) {
		c.user("alice", func(e *identity.Entity) { e.Path = "/ops/" })
		return c.as("alice").asks("Encrypt", c.key("allow arn:aws:iam::111122223333:user/alice kms:*")), c.as("alice").asks("Encrypt", c.key("allow arn:aws:iam::111122223333:user/ops/alice kms:*"))
	}},
	{"a role is taken for the user of its name", func(c accessTest) (attempt, attempt) {
		c.user("app")
		c.role("app")
		k := c.key("allow app kms:*")
		return c.as("role/app").asks("Encrypt", k), c.as("app").asks("Encrypt", k)
	}},
}

var aliasMoves = []move{
	{"an alias is turned to a key that one may not use", func(c accessTest) (attempt, attempt) {
		k, own, forbidden := c.key(), c.key(), c.key()
		c.root().does("CreateAlias", k, `{"AliasName":"alias/a"}`)
		c.user("alice", with(c.identity("allow kms:UpdateAlias on "+k+","+own+",arn:aws:kms:eu-west-2:111122223333:alias/a")))
		return c.as("alice").asks("UpdateAlias", forbidden, `{"AliasName":"alias/a"}`), c.as("alice").asks("UpdateAlias", own, `{"AliasName":"alias/a"}`)
	}},
	{"an alias is taken away from a key of others", func(c accessTest) (attempt, attempt) {
		own, forbidden, alias := c.key(), c.key(), "arn:aws:kms:eu-west-2:111122223333:alias/*"
		c.root().does("CreateAlias", forbidden, `{"AliasName":"alias/theirs"}`)
		c.root().does("CreateAlias", own, `{"AliasName":"alias/mine"}`)
		c.user("alice", with(c.identity("allow kms:UpdateAlias on "+own+","+alias)))
		return c.as("alice").asks("UpdateAlias", own, `{"AliasName":"alias/theirs"}`), c.as("alice").asks("UpdateAlias", own, `{"AliasName":"alias/mine"}`)
	}},
	{"an alias is changed by who may on the keys alone", func(c accessTest) (attempt, attempt) {
		k, next := c.key(), c.key()
		c.root().does("CreateAlias", k, `{"AliasName":"alias/a"}`)
		c.root().does("CreateAlias", k, `{"AliasName":"alias/b"}`)
		c.user("alice", with(c.identity("allow kms:UpdateAlias on "+k+","+next+",arn:aws:kms:eu-west-2:111122223333:alias/b")))
		return c.as("alice").asks("UpdateAlias", next, `{"AliasName":"alias/a"}`), c.as("alice").asks("UpdateAlias", next, `{"AliasName":"alias/b"}`)
	}},
	{"an alias of a key of others is deleted", func(c accessTest) (attempt, attempt) {
		own, forbidden := c.key(), c.key()
		c.root().does("CreateAlias", forbidden, `{"AliasName":"alias/theirs"}`)
		c.root().does("CreateAlias", own, `{"AliasName":"alias/mine"}`)
		c.user("alice", with(c.identity("allow kms:DeleteAlias on "+own+",arn:aws:kms:eu-west-2:111122223333:alias/*")))
		return c.as("alice").asks("DeleteAlias", "", `{"AliasName":"alias/theirs"}`), c.as("alice").asks("DeleteAlias", "", `{"AliasName":"alias/mine"}`)
	}},
	{"a key of others is given an alias that policies go by", func(c accessTest) (attempt, attempt) {
		own, forbidden := c.key(), c.key()
		c.user("alice", with(c.identity("allow kms:CreateAlias on "+own+",arn:aws:kms:eu-west-2:111122223333:alias/*", "allow kms:Encrypt if ForAnyValue:StringLike kms:ResourceAliases alias/app-*")))
		try := func(k, name string) attempt {
			return func() error {
				return errors.Join(c.as("alice").asks("CreateAlias", k, `{"AliasName":"`+name+`"}`)(), c.as("alice").asks("Encrypt", k)())
			}
		}
		return try(forbidden, "alias/app-1"), try(own, "alias/app-2")
	}},
	{"a key is used by another name than the policy wants", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key("allow home kms:*", "allow alice kms:Encrypt if StringEquals kms:RequestAlias alias/a")
		c.root().does("CreateAlias", k, `{"AliasName":"alias/a"}`)
		return c.as("alice").asks("Encrypt", k), c.as("alice").asks("Encrypt", "alias/a")
	}},
	{"the name of an alias that is to be changed passes for one of a key that is used", func(c accessTest) (attempt, attempt) {
		k, next := c.key("allow home kms:*", "allow alice kms:UpdateAlias if StringEquals kms:RequestAlias alias/a"), c.key()
		c.user("alice", with(c.identity("allow kms:UpdateAlias on "+next+",arn:aws:kms:eu-west-2:111122223333:alias/a")))
		c.user("bob", with(c.identity("allow kms:UpdateAlias")))
		c.root().does("CreateAlias", k, `{"AliasName":"alias/a"}`)
		return c.as("alice").asks("UpdateAlias", next, `{"AliasName":"alias/a"}`), c.as("bob").asks("UpdateAlias", next, `{"AliasName":"alias/a"}`)
	}},
	{"an alias in the resource of a policy opens its key", func(c accessTest) (attempt, attempt) {
		k := c.key()
		c.root().does("CreateAlias", k, `{"AliasName":"alias/a"}`)
		c.user("alice", with(c.identity("allow kms:Encrypt on arn:aws:kms:eu-west-2:111122223333:alias/a")))
		c.user("bob", with(c.identity("allow kms:Encrypt on "+k)))
		return c.as("alice").asks("Encrypt", "alias/a"), c.as("bob").asks("Encrypt", "alias/a")
	}},
	{"aliases are listed without permission", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:Encrypt")))
		c.user("bob", with(c.identity("allow kms:ListAliases")))
		return c.as("alice").asks("ListAliases", ""), c.as("bob").asks("ListAliases", "")
	}},
}

var accountMoves = []move{
	{"another account with a key policy alone", func(c accessTest) (attempt, attempt) {
		c.user("other/yan")
		c.user("other/zoe", with(c.identity("allow kms:Encrypt")))
		k := c.key("allow other/yan kms:*", "allow other/zoe kms:*")
		return c.as("other/yan").asks("Encrypt", k), c.as("other/zoe").asks("Encrypt", k)
	}},
	{"another account with policies of its own alone", func(c accessTest) (attempt, attempt) {
		c.user("other/zoe", with(c.identity("allow kms:Encrypt")))
		return c.as("other/zoe").asks("Encrypt", c.key("allow home kms:*")), c.as("other/zoe").asks("Encrypt", c.key("allow other kms:*"))
	}},
	{"another account with a grant alone", func(c accessTest) (attempt, attempt) {
		c.user("other/yan")
		c.user("other/zoe", with(c.identity("allow kms:Encrypt")))
		k := c.key()
		c.root().grants(k, "other/yan", "Encrypt")
		c.root().grants(k, "other/zoe", "Encrypt")
		return c.as("other/yan").asks("Encrypt", k), c.as("other/zoe").asks("Encrypt", k)
	}},
	{"a grant to another account is used by one that its root lets do nothing", func(c accessTest) (attempt, attempt) {
		c.user("other/yan")
		k := c.key()
		c.root().grants(k, "other", "Encrypt")
		return c.as("other/yan").asks("Encrypt", k), c.as("other").asks("Encrypt", k)
	}},
	{"the root of another account", func(c accessTest) (attempt, attempt) {
		return c.as("other").asks("Encrypt", c.key()), c.as("home").asks("Encrypt", c.key())
	}},
	{"another account by the bare name of an alias", func(c accessTest) (attempt, attempt) {
		c.root().does("CreateAlias", c.key("allow home kms:*", "allow other kms:*"), `{"AliasName":"alias/shared"}`)
		return c.as("other").asks("Encrypt", "alias/shared"), c.as("other").asks("Encrypt", "arn:aws:kms:eu-west-2:111122223333:alias/shared")
	}},
	{"another account by the ARN of an alias of a key that is not shared", func(c accessTest) (attempt, attempt) {
		c.root().does("CreateAlias", c.key("allow home kms:*"), `{"AliasName":"alias/own"}`)
		c.root().does("CreateAlias", c.key("allow home kms:*", "allow other kms:*"), `{"AliasName":"alias/shared"}`)
		return c.as("other").asks("Encrypt", "arn:aws:kms:eu-west-2:111122223333:alias/own"), c.as("other").asks("Encrypt", "arn:aws:kms:eu-west-2:111122223333:alias/shared")
	}},
	{"another account by the bare ID of a key", func(c accessTest) (attempt, attempt) {
		k := c.key("allow other kms:*")
		return c.as("other").asks("Encrypt", idOf(k)), c.as("other").asks("Encrypt", k)
	}},
	{"another account deletes a key that it may use", func(c accessTest) (attempt, attempt) {
		k := c.key("allow other kms:*")
		return c.as("other").asks("ScheduleKeyDeletion", k), c.as("other").asks("Encrypt", k)
	}},
	{"another account rewrites the policy of a key that it may use", func(c accessTest) (attempt, attempt) {
		k := c.key("allow home kms:*", "allow other kms:*")
		policy := policyMembers(c.document(true, "allow home kms:*", "allow other kms:*"))
		return c.as("other").asks("PutKeyPolicy", k, policy), c.as("home").asks("PutKeyPolicy", k, policy)
	}},
	{"an alias in one's own account for a key of another", func(c accessTest) (attempt, attempt) {
		k := c.key("allow home kms:*", "allow other kms:*")
		return c.as("other").asks("CreateAlias", k), c.as("home").asks("CreateAlias", k)
	}},
	{"a session in another account of a role of the same name", func(c accessTest) (attempt, attempt) {
		c.role("app")
		k := c.key("allow role/app kms:*")
		elsewhere := c.session("app", nil)
		elsewhere.who.AccountID, elsewhere.who.RoleARN = otherAccount, strings.Replace(elsewhere.who.RoleARN, homeAccount, otherAccount, 1)
		return elsewhere.asks("Encrypt", k), c.as("role/app").asks("Encrypt", k)
	}},
}

var contextMoves = []move{
	{"no context where the policy wants one", contextual("if StringEquals kms:EncryptionContext:app billing", `{}`, `{"app":"billing"}`)},
	{"another context than the policy wants", contextual("if StringEquals kms:EncryptionContext:app billing", `{"app":"payroll"}`, `{"app":"billing"}`)},
	{"two names that differ by case alone", contextual("if StringEquals kms:EncryptionContext:app billing", `{"app":"billing","App":"payroll"}`, `{"app":"billing"}`)},
	{"a value of the context in another case", contextual("if StringEquals kms:EncryptionContext:app billing", `{"app":"Billing"}`, `{"app":"billing"}`)},
	{"a name more in the context", contextual("if ForAllValues:StringEquals kms:EncryptionContextKeys app", `{"app":"x","user":"y"}`, `{"app":"x"}`)},
	{"an empty context against a list of names", contextual("if ForAnyValue:StringEquals kms:EncryptionContextKeys app", `{}`, `{"app":"x"}`)},
	{"a name in the context that only resembles", contextual("if StringEquals kms:EncryptionContext:app billing", `{"app ":"billing"}`, `{"app":"billing"}`)},
	{"a denied context under a name in another case", contextual("if StringNotEquals kms:EncryptionContext:app payroll", `{"APP":"payroll"}`, `{"APP":"billing"}`)},
	{"a ciphertext is decrypted in no context", decryptMove(`{"a":"1","b":"2"}`, `{}`, `{"b":"2","a":"1"}`)},
	{"a ciphertext is decrypted in another context", decryptMove(`{"a":"1","b":"2"}`, `{"a":"1","b":"3"}`, `{"b":"2","a":"1"}`)},
	{"a ciphertext is decrypted in a part of its context", decryptMove(`{"a":"1","b":"2"}`, `{"a":"1"}`, `{"b":"2","a":"1"}`)},
	{"a ciphertext is decrypted in its context and more", decryptMove(`{"a":"1"}`, `{"a":"1","b":""}`, `{"a":"1"}`)},
	{"a ciphertext is decrypted in its context in another case", decryptMove(`{"team":"red"}`, `{"Team":"red"}`, `{"team":"red"}`)},
	{"a ciphertext is decrypted with names and values cut elsewhere", decryptMove(`{"ab":"c"}`, `{"a":"bc"}`, `{"ab":"c"}`)},
	{"a policy is met by a second name that differs by case", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key("allow home kms:*", "allow alice kms:Decrypt if StringEquals kms:EncryptionContext:App billing")
		payroll, billing := c.blob(k, inContext(`{"App":"payroll"}`)), c.blob(k, inContext(`{"App":"billing"}`))
		return c.as("alice").asks("Decrypt", "", ciphertext(payroll), inContext(`{"App":"payroll","app":"billing"}`)), c.as("alice").asks("Decrypt", "", ciphertext(billing), inContext(`{"App":"billing"}`))
	}},
	{"ReEncrypt leaves the context", func(c accessTest) (attempt, attempt) {
		k := c.key()
		c.user("alice", with(c.identity("allow kms:ReEncrypt* if StringEquals kms:EncryptionContext:app billing")))
		blob := c.blob(k, inContext(`{"app":"billing"}`))
		to := func(context string) string {
			return `{"CiphertextBlob":"` + blob + `","SourceEncryptionContext":{"app":"billing"},"DestinationEncryptionContext":` + context + `}`
		}
		return c.as("alice").asks("ReEncrypt", k, to(`{"app":"payroll"}`)), c.as("alice").asks("ReEncrypt", k, to(`{"app":"billing"}`))
	}},
	{"what only a service may do, without one", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		return c.as("alice").asks("Encrypt", c.key("allow alice kms:Encrypt if StringEquals kms:ViaService s3.eu-west-2.amazonaws.com")),
			c.as("alice").asks("Encrypt", c.key("allow alice kms:Encrypt if StringEqualsIfExists kms:ViaService s3.eu-west-2.amazonaws.com"))
	}},
	{"from another address than the policy wants", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key("allow alice kms:Encrypt if IpAddress aws:SourceIp 192.0.2.0/24")
		return c.as("alice").with(func(r *Request) { r.SourceIP = "198.51.100.1" }).asks("Encrypt", k), c.as("alice").asks("Encrypt", k)
	}},
	{"without TLS where the policy wants it", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key("allow alice kms:*", "deny alice kms:* if Bool aws:SecureTransport false")
		return c.as("alice").with(func(r *Request) { r.Secure = false }).asks("Encrypt", k), c.as("alice").asks("Encrypt", k)
	}},
	{"in another Region than the policy wants", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:CreateKey if StringEquals aws:RequestedRegion eu-west-2")))
		return c.as("alice").with(func(r *Request) { r.Caller.Region = "us-east-1" }).asks("CreateKey", ""), c.as("alice").asks("CreateKey", "")
	}},
}

func contextual(condition, attack, legitimate string) func(c accessTest) (attempt, attempt) {
	return func(c accessTest) (attempt, attempt) {
		c.user("alice")
		k := c.key("allow alice kms:Encrypt " + condition)
		return c.as("alice").asks("Encrypt", k, inContext(attack)), c.as("alice").asks("Encrypt", k, inContext(legitimate))
	}
}

func decryptMove(made, attack, legitimate string) func(c accessTest) (attempt, attempt) {
	return func(c accessTest) (attempt, attempt) {
		blob := ciphertext(c.blob(c.key(), inContext(made)))
		return c.root().asks("Decrypt", "", blob, inContext(attack)), c.root().asks("Decrypt", "", blob, inContext(legitimate))
	}
}

var ciphertextMoves = []move{
	{"ReEncrypt by who may only decrypt from", func(c accessTest) (attempt, attempt) {
		from, to := c.key(), c.key()
		c.user("alice", with(c.identity("allow kms:ReEncryptFrom")))
		c.user("bob", with(c.identity("allow kms:ReEncryptFrom,kms:ReEncryptTo")))
		blob := ciphertext(c.blob(from))
		return c.as("alice").asks("ReEncrypt", to, blob), c.as("bob").asks("ReEncrypt", to, blob)
	}},
	{"ReEncrypt by who may only encrypt to", func(c accessTest) (attempt, attempt) {
		from, to := c.key(), c.key()
		c.user("alice", with(c.identity("allow kms:ReEncryptTo,kms:Encrypt")))
		c.user("bob", with(c.identity("allow kms:ReEncryptFrom,kms:ReEncryptTo")))
		blob := ciphertext(c.blob(from))
		return c.as("alice").asks("ReEncrypt", to, blob), c.as("bob").asks("ReEncrypt", to, blob)
	}},
	{"ReEncrypt with permissions to encrypt and decrypt", func(c accessTest) (attempt, attempt) {
		k := c.key()
		c.user("alice", with(c.identity("allow kms:Encrypt,kms:Decrypt,kms:ReEncrypt")))
		blob := ciphertext(c.blob(k))
		return c.as("alice").asks("ReEncrypt", k, blob), c.as("alice").asks("Decrypt", "", blob)
	}},
	{"ReEncrypt to a key of another account that did not agree", func(c accessTest) (attempt, attempt) {
		c.user("other/zoe", with(c.identity("allow kms:*")))
		from, own, to := c.key("allow other kms:*"), c.key("allow home kms:*"), c.key("allow other kms:*")
		blob := ciphertext(c.blob(from))
		return c.as("other/zoe").asks("ReEncrypt", own, blob), c.as("other/zoe").asks("ReEncrypt", to, blob)
	}},
	{"a ciphertext that names a key of others", func(c accessTest) (attempt, attempt) {
		mine, theirs := c.key(), c.key()
		c.user("alice", with(c.identity("allow kms:Decrypt on "+mine)))
		return c.as("alice").asks("Decrypt", "", ciphertext(c.blob(theirs))), c.as("alice").asks("Decrypt", "", ciphertext(c.blob(mine)))
	}},
	{"a ciphertext of others under the name of one's own key", func(c accessTest) (attempt, attempt) {
		mine, theirs := c.key(), c.key()
		c.user("alice", with(c.identity("allow kms:Decrypt on "+mine)))
		named := `{"KeyId":"` + mine + `"}`
		return c.as("alice").asks("Decrypt", "", named, ciphertext(c.blob(theirs))), c.as("alice").asks("Decrypt", "", named, ciphertext(c.blob(mine)))
	}},
	{"a ciphertext of others that was rewritten to name one's own key", func(c accessTest) (attempt, attempt) {
		mine, theirs := c.key(), c.key()
		c.user("alice", with(c.identity("allow kms:Decrypt on "+mine)))
		raw, _ := base64.StdEncoding.DecodeString(c.blob(theirs))
		forged := bytes.Replace(raw, []byte(idOf(theirs)), []byte(idOf(mine)), 1)
		if bytes.Equal(raw, forged) {
			c.Fatal("nothing was forged")
		}
		return c.as("alice").asks("Decrypt", "", ciphertext(base64.StdEncoding.EncodeToString(forged))), c.as("alice").asks("Decrypt", "", ciphertext(c.blob(mine)))
	}},
	{"a ciphertext with a bit changed", func(c accessTest) (attempt, attempt) {
		blob := c.blob(c.key())
		try := func(blob string) error { return c.root().asks("Decrypt", "", ciphertext(blob))() }
		return flips(blob, try), func() error { return try(blob) }
	}},
	{"a dry run by who may not", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob", with(c.identity("allow kms:Encrypt")))
		k := c.key()
		return c.as("alice").asks("Encrypt", k, `{"DryRun":true}`), c.as("bob").asks("Encrypt", k, `{"DryRun":false}`)
	}},
	{"a dry run that looks at no ciphertext, by who may not", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob", with(c.identity("allow kms:Decrypt")))
		k := c.key()
		in := `{"KeyId":"` + k + `","DryRun":true,"DryRunModifiers":["IGNORE_CIPHERTEXT"]}`
		return c.as("alice").asks("Decrypt", "", in), func() error {
			if kind, _ := c.as("bob").refusal("Decrypt", "", in); kind != key.KindDryRunOperation {
				return errors.New(string(kind))
			}
			return nil
		}
	}},
	{"a public key without permission", func(c accessTest) (attempt, attempt) {
		k := c.keyLike(`{"KeySpec":"ECC_NIST_P256","KeyUsage":"SIGN_VERIFY"}`)
		c.user("alice", with(c.identity("allow kms:Verify")))
		c.user("bob", with(c.identity("allow kms:GetPublicKey")))
		return c.as("alice").asks("GetPublicKey", k), c.as("bob").asks("GetPublicKey", k)
	}},
	{"a signature by who may only verify", func(c accessTest) (attempt, attempt) {
		k := c.keyLike(`{"KeySpec":"ECC_NIST_P256","KeyUsage":"SIGN_VERIFY"}`)
		c.user("alice", with(c.identity("allow kms:Verify")))
		c.user("bob", with(c.identity("allow kms:Sign")))
		return c.as("alice").asks("Sign", k), c.as("bob").asks("Sign", k)
	}},
	{"a replica made by who may not create keys", func(c accessTest) (attempt, attempt) {
		k := c.keyLike(`{"MultiRegion":true}`)
		c.user("alice", with(c.identity("allow kms:ReplicateKey")))
		c.user("bob", with(c.identity("allow kms:ReplicateKey,kms:CreateKey")))
		return c.as("alice").asks("ReplicateKey", k), c.as("bob").asks("ReplicateKey", k)
	}},
}

var sessionMoves = []move{
	{"a session does more than its session policy", func(c accessTest) (attempt, attempt) {
		c.role("app", with(c.identity("allow kms:*")))
		k := c.key()
		session := c.session("app", sessionPolicy(c.identity("allow kms:Encrypt")))
		return session.asks("GenerateDataKey", k), session.asks("Encrypt", k)
	}},
	{"a session policy gives what the role has not", func(c accessTest) (attempt, attempt) {
		c.role("app", with(c.identity("allow kms:Encrypt")))
		k := c.key()
		session := c.session("app", sessionPolicy(c.identity("allow kms:*")))
		return session.asks("GenerateDataKey", k), session.asks("Encrypt", k)
	}},
	{"a limited session assumes its role again without limits", func(c accessTest) (attempt, attempt) {
		c.role("app", with(c.identity("allow kms:Encrypt,sts:AssumeRole")))
		again := func(a actor) attempt {
			return func() error { _, err := a.assume(a.who, "app", nil); return err }
		}
		return again(c.session("app", sessionPolicy(c.identity("allow kms:Encrypt")))), again(c.session("app", sessionPolicy(c.identity("allow kms:Encrypt,sts:AssumeRole"))))
	}},
	{"a session policy that was removed limits no more", func(c accessTest) (attempt, attempt) {
		c.role("app", with(c.identity("allow kms:*")))
		gone, there := c.managedPolicy("gone", c.identity("allow kms:Encrypt")), c.managedPolicy("there", c.identity("allow kms:Encrypt"))
		c.update(func(tx *store.Tx) error {
			return records.ManagedPolicies.Delete(tx, records.NamedPath(homeAccount, "gone"))
		})
		k := c.key()
		by := func(arn string) actor {
			return c.session("app", func(s *identity.Session) { s.PolicyARNs = []string{arn} })
		}
		return by(gone).asks("Encrypt", k), by(there).asks("Encrypt", k)
	}},
	{"a bounded user does more than the boundary", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:*")), c.boundary("allow kms:Encrypt"))
		k := c.key()
		return c.as("alice").asks("GenerateDataKey", k), c.as("alice").asks("Encrypt", k)
	}},
	{"a bounded user sheds the boundary with GetSessionToken", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:*")), c.boundary("allow kms:Encrypt"))
		k, session := c.key(), c.as("alice").getsSession()
		return session.asks("GenerateDataKey", k), session.asks("Encrypt", k)
	}},
	{"a bounded user sheds the boundary by a role", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow *")), c.boundary("allow kms:*"))
		c.user("bob", with(c.identity("allow *")))
		c.role("app")
		return c.as("alice").assumeAttempt("app", nil), c.as("bob").assumeAttempt("app", nil)
	}},
	{"a session makes a session of GetSessionToken", func(c accessTest) (attempt, attempt) {
		c.user("alice")
		return c.as("alice").getsSession().asks("GetSessionToken", ""), c.as("alice").asks("GetSessionToken", "")
	}},
	{"a chained role with another value of a transitive tag", func(c accessTest) (attempt, attempt) {
		return chainedAttempts(c, func(in *sts.AssumeRoleRequest) { in.Tags = stsTag("team", "blue") }, func(in *sts.AssumeRoleRequest) { in.Tags = stsTag("stage", "prod") })
	}},
	{"a chained role with a transitive tag in another case", func(c accessTest) (attempt, attempt) {
		return chainedAttempts(c, func(in *sts.AssumeRoleRequest) { in.Tags = stsTag("TEAM", "blue") }, func(in *sts.AssumeRoleRequest) { in.Tags = stsTag("teams", "blue") })
	}},
	{"a chained role with another source identity", func(c accessTest) (attempt, attempt) {
		return chainedAttempts(c, func(in *sts.AssumeRoleRequest) { in.SourceIdentity = new("mallory") }, func(in *sts.AssumeRoleRequest) { in.SourceIdentity = new("alice") })
	}},
	{"a chained role for longer than an hour", func(c accessTest) (attempt, attempt) {
		return chainedAttempts(c, func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(3601)) }, func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(3600)) })
	}},
	{"a session for longer than the role allows", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow sts:*")))
		c.role("app")
		return c.as("alice").assumeAttempt("app", func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(7201)) }), c.as("alice").assumeAttempt("app", func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(7200)) })
	}},
	{"session tags by who may not give them", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow sts:AssumeRole")))
		c.role("app")
		return c.as("alice").assumeAttempt("app", func(in *sts.AssumeRoleRequest) { in.Tags = stsTag("team", "red") }), c.as("alice").assumeAttempt("app", nil)
	}},
	{"a role that trusts another user", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow *")))
		c.user("mallory", with(c.identity("allow *")))
		c.people.role("app", trustPolicy(`{"AWS":"`+who("alice")+`"}`, ""), func(*identity.Role) {})
		return c.as("mallory").assumeAttempt("app", nil), c.as("alice").assumeAttempt("app", nil)
	}},
	{"a role of another account that did not trust", func(c accessTest) (attempt, attempt) {
		c.user("other/zoe", with(c.identity("allow *")))
		c.role("closed")
		c.people.role("open", trustPolicy(`{"AWS":"`+otherAccount+`"}`, ""), func(*identity.Role) {})
		return c.as("other/zoe").assumeAttempt("closed", nil), c.as("other/zoe").assumeAttempt("open", nil)
	}},
	{"a role without its external ID", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow *")))
		c.people.role("app", trustPolicy(`{"AWS":"`+homeAccount+`"}`, `,"Condition":{"StringEquals":{"sts:ExternalId":"right"}}`), func(*identity.Role) {})
		return c.as("alice").assumeAttempt("app", nil), c.as("alice").assumeAttempt("app", func(in *sts.AssumeRoleRequest) { in.ExternalId = new("right") })
	}},
	{"a role by the root", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow *")))
		c.role("app")
		return c.root().assumeAttempt("app", nil), c.as("alice").assumeAttempt("app", nil)
	}},
}

// assumeAttempt returns an attempt to assume a role.
func (a actor) assumeAttempt(role string, change func(*sts.AssumeRoleRequest)) attempt {
	return func() error { _, err := a.assume(a.who, role, change); return err }
}

// getsSession returns the actor with a session of GetSessionToken.
func (a actor) getsSession() actor {
	a.Helper()
	k, _ := a.people.session(a.does("GetSessionToken", "").(*sts.GetSessionTokenResponse).Credentials)
	a.who = k.Principal
	return a
}

func stsTag(name, value string) []sts.Tag { return []sts.Tag{{Key: &name, Value: &value}} }

// chainedAttempts returns attempts of a session with a transitive tag and a source identity to
// assume another role.
func chainedAttempts(c accessTest, attack, legitimate func(*sts.AssumeRoleRequest)) (attempt, attempt) {
	c.user("alice", with(c.identity("allow sts:*")))
	c.role("first", with(c.identity("allow sts:*")))
	c.role("second")
	first := c.as("alice").assumes("first", func(in *sts.AssumeRoleRequest) {
		in.Tags, in.TransitiveTagKeys, in.SourceIdentity = stsTag("team", "red"), []string{"team"}, new("alice")
	})
	return first.assumeAttempt("second", attack), first.assumeAttempt("second", legitimate)
}

var identityMoves = []move{
	{"an access key that is not active", keyAfter(func(c accessTest) {
		c.update(func(tx *store.Tx) error {
			k, _, err := records.AccessKeys.Get(tx, "AKIAALICE")
			k.Inactive = true
			return errors.Join(err, records.AccessKeys.Put(tx, "AKIAALICE", k))
		})
	})},
	{"an access key of a user that is disabled", keyAfter(func(c accessTest) { c.user("alice", func(e *identity.Entity) { e.Disabled = true }) })},
	{"an access key of a user that was removed", keyAfter(func(c accessTest) {
		c.root().does("DeleteIdentity", "", `{"Kind":"user","Name":"alice"}`)
	})},
	{"an access key of a user whose name somebody else has now", keyAfter(func(c accessTest) {
		c.root().does("DeleteIdentity", "", `{"Kind":"user","Name":"alice"}`)
		c.root().does("PutUser", "", `{"Name":"alice","AccessKeys":1}`)
	})},
	{"an access key that the user has no more", keyAfter(func(c accessTest) {
		c.update(func(tx *store.Tx) error {
			u, _, err := records.Users.Get(tx, records.NamedPath(homeAccount, "alice"))
			u.Keys = nil
			return errors.Join(err, records.Users.Put(tx, records.NamedPath(homeAccount, "alice"), u))
		})
	})},
	{"a session of a role that was removed", sessionAfter("app", func(c accessTest) { c.root().does("DeleteIdentity", "", `{"Kind":"role","Name":"app"}`) })},
	{"a session of a role that was removed and made again", sessionAfter("app", func(c accessTest) { c.role("app", func(e *identity.Entity) { e.ID = "AROAagain" }) })},
	{"a session of a role that is disabled", sessionAfter("app", func(c accessTest) { c.role("app", func(e *identity.Entity) { e.Disabled = true }) })},
	{"a session that was revoked", sessionAfter("app", func(c accessTest) {
		c.clock.Advance(time.Second)
		c.root().does("RevokeSessions", "", `{"Kind":"role","Name":"app"}`)
	})},
	{"a session of a user that is disabled", sessionAfter("", func(c accessTest) { c.user("alice", func(e *identity.Entity) { e.Disabled = true }) })},
	{"a session of a user that was made again", sessionAfter("", func(c accessTest) { c.user("alice", func(e *identity.Entity) { e.ID = "AIDAagain" }) })},
	{"a session of a user that was revoked", sessionAfter("", func(c accessTest) {
		c.clock.Advance(time.Second)
		c.root().does("RevokeSessions", "", `{"Kind":"user","Name":"alice"}`)
	})},
	{"a session that is over", sessionAfter("app", func(c accessTest) { c.clock.Advance(time.Hour) })},
	{"a session of another deployment", func(c accessTest) (attempt, attempt) {
		theirs, ours := newAccessTest(c.T).issues(nil), c.issues(nil)
		return c.authenticates(theirs), c.authenticates(ours)
	}},
	{"a session that is not valid yet", func(c accessTest) (attempt, attempt) {
		return c.authenticates(c.issues(func(s *sessionToken) { s.Issued = s.Issued.Add(6 * time.Minute) })), c.authenticates(c.issues(nil))
	}},
	{"a session token with a bit changed", func(c accessTest) (attempt, attempt) {
		token := c.issues(nil)
		return flips(token, func(t string) error { return c.authenticates(t)() }), c.authenticates(token)
	}},
	{"a session token that was cut", func(c accessTest) (attempt, attempt) {
		token := c.issues(nil)
		return c.authenticates(token[:len(token)-4]), c.authenticates(token)
	}},
	{"a session token with a line break in it", func(c accessTest) (attempt, attempt) {
		token := c.issues(nil)
		return c.authenticates(token[:8] + "\n" + token[8:]), c.authenticates(token)
	}},
	{"a grant token for a session token", func(c accessTest) (attempt, attempt) {
		_, token := c.root().grants(c.key(), "home", "Encrypt")
		return c.authenticates(token), c.authenticates(c.issues(nil))
	}},
	{"the fields of a session in the clear", func(c accessTest) (attempt, attempt) {
		plain, err := json.Marshal(c.sessionOf(nil))
		if err != nil {
			c.Fatal(err)
		}
		return c.authenticates(base64.StdEncoding.EncodeToString(plain)), c.authenticates(c.issues(nil))
	}},
	{"a request under way by a user that was removed", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:*")))
		c.user("bob", with(c.identity("allow kms:*")))
		k, alice := c.key(), c.as("alice")
		c.user("alice", with(c.identity("allow kms:*")), func(e *identity.Entity) { e.ID = "AIDAagain" })
		return alice.asks("Encrypt", k), c.as("bob").asks("Encrypt", k)
	}},
}

var errNobody = key.Errorf(key.KindUnrecognizedClient, "nobody")

// keyAfter returns an attempt to use an access key after a change.
func keyAfter(happens func(c accessTest)) func(c accessTest) (attempt, attempt) {
	return func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.user("bob")
		use := func(id string) attempt {
			return func() error {
				_, ok, err := c.AccessKey(c.Context(), id)
				if err == nil && !ok {
					err = errNobody
				}
				return err
			}
		}
		happens(c)
		return use("AKIAALICE"), use("AKIABOB")
	}
}

// sessionAfter returns an attempt to use a session of a role or user after a change.
func sessionAfter(role string, happens func(c accessTest)) func(c accessTest) (attempt, attempt) {
	return func(c accessTest) (attempt, attempt) {
		c.user("alice")
		c.role("app")
		c.role("other")
		of := func(role string) string {
			return c.issues(func(s *sessionToken) {
				if s.Role, s.RoleID = role, "AROA"+role; role == "" {
					s.RoleID, s.User, s.UserID = "", "alice", "AIDAalice"
				}
			})
		}
		token := of(role)
		if err := c.authenticates(token)(); err != nil {
			c.Fatal(err)
		}
		happens(c)
		return c.authenticates(token), c.authenticates(of("other"))
	}
}

// sessionOf returns a valid session of the root of the account.
func (c accessTest) sessionOf(change func(*sessionToken)) sessionToken {
	now := c.clock.Now()
	s := sessionToken{Session: identity.Session{AccessKeyID: "ASIAROOT", Account: homeAccount, Issued: now, Expires: now.Add(time.Hour)}, Secret: "secret"}
	if change != nil {
		change(&s)
	}
	return s
}

// issues returns the token of a session.
func (c accessTest) issues(change func(*sessionToken)) string {
	c.Helper()
	token, err := c.sessionTokens.seal(c.sessionOf(change), 0)
	if err != nil {
		c.Fatal(err)
	}
	return token
}

// authenticates returns an attempt to authenticate with a token.
func (c accessTest) authenticates(token string) attempt {
	return func() error {
		k, ok, err := c.Session(c.Context(), token)
		if err == nil && (!ok || k.Expired) {
			err = errNobody
		}
		return err
	}
}

var tagMoves = []move{
	{"a key is tagged to be let use it", func(c accessTest) (attempt, attempt) {
		k := c.key()
		lines := []string{"allow kms:Encrypt if StringEquals aws:ResourceTag/team red"}
		c.user("alice", with(c.identity(lines...)))
		c.user("bob", with(c.identity(append(lines, "allow kms:TagResource")...)))
		try := func(name string) attempt {
			return func() error {
				return errors.Join(c.as(name).asks("TagResource", k, `{"Tags":[{"TagKey":"team","TagValue":"red"}]}`)(), c.as(name).asks("Encrypt", k)())
			}
		}
		return try("alice"), try("bob")
	}},
	{"a tag that denies is taken off", func(c accessTest) (attempt, attempt) {
		k := c.keyLike(`{"Tags":[{"TagKey":"k","TagValue":"closed"}]}`)
		c.user("alice", with(c.identity("allow kms:*", "deny kms:UntagResource if ForAnyValue:StringEquals aws:TagKeys k")))
		return c.as("alice").asks("UntagResource", k), c.as("alice").asks("UntagResource", k, `{"TagKeys":["other"]}`)
	}},
	{"a tag that denies is overwritten", func(c accessTest) (attempt, attempt) {
		k := c.keyLike(`{"Tags":[{"TagKey":"state","TagValue":"closed"}]}`)
		c.user("alice", with(c.identity("allow kms:*", "deny kms:* if StringEquals aws:ResourceTag/state closed")))
		return c.as("alice").asks("TagResource", k, `{"Tags":[{"TagKey":"state","TagValue":"open"}]}`), c.as("alice").asks("TagResource", c.key(), `{"Tags":[{"TagKey":"state","TagValue":"open"}]}`)
	}},
	{"a key is made with a tag that one may not give", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:CreateKey")))
		return c.as("alice").asks("CreateKey", "", `{"Tags":[{"TagKey":"team","TagValue":"red"}]}`), c.as("alice").asks("CreateKey", "")
	}},
	{"a key is made without the tag that one must give", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:CreateKey,kms:TagResource if StringEquals aws:RequestTag/team red")))
		return c.as("alice").asks("CreateKey", ""), c.as("alice").asks("CreateKey", "", `{"Tags":[{"TagKey":"team","TagValue":"red"}]}`)
	}},
	{"a tag of a user is a wildcard in a policy", func(c accessTest) (attempt, attempt) {
		k := c.keyLike(`{"Tags":[{"TagKey":"team","TagValue":"red"}]}`)
		mine := with(c.identity("allow kms:Encrypt if StringLike aws:ResourceTag/team ${aws:PrincipalTag/team}"))
		c.user("mallory", tag("team", "*"), mine)
		c.user("alice", tag("team", "red"), mine)
		return c.as("mallory").asks("Encrypt", k), c.as("alice").asks("Encrypt", k)
	}},
	{"a user without a tag on a key without one", func(c accessTest) (attempt, attempt) {
		mine := with(c.identity("allow kms:Encrypt if StringEquals aws:ResourceTag/team ${aws:PrincipalTag/team}"))
		c.user("alice", mine, tag("team", "red"))
		c.user("mallory", mine)
		return c.as("mallory").asks("Encrypt", c.key()), c.as("alice").asks("Encrypt", c.keyLike(`{"Tags":[{"TagKey":"team","TagValue":"red"}]}`))
	}},
	{"a session tag overrides the tag of the role", func(c accessTest) (attempt, attempt) {
		k := c.keyLike(`{"Tags":[{"TagKey":"team","TagValue":"red"}]}`)
		c.user("alice", with(c.identity("allow sts:AssumeRole", "allow sts:TagSession if StringEquals aws:RequestTag/team blue")))
		c.role("app", tag("team", "red"), with(c.identity("allow kms:Encrypt if StringEquals aws:ResourceTag/team ${aws:PrincipalTag/team}")))
		blue := c.as("alice").assumes("app", func(in *sts.AssumeRoleRequest) { in.Tags = stsTag("Team", "blue") })
		return blue.asks("Encrypt", k), c.as("alice").assumes("app", nil).asks("Encrypt", k)
	}},
}

var administrationMoves = []move{
	{"a user makes a key again under its old ID", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:*")))
		return c.as("alice").asks("RecreateKey", ""), c.root().asks("RecreateKey", "")
	}},
	{"a key of another account is made again", func(c accessTest) (attempt, attempt) {
		return c.root().asks("RecreateKey", "", `{"AccountId":"444455556666"}`), c.root().asks("RecreateKey", "")
	}},
	{"a key is made again that is still there", func(c accessTest) (attempt, attempt) {
		return c.root().asks("RecreateKey", "", `{"KeyId":"`+idOf(c.key())+`"}`), c.root().asks("RecreateKey", "")
	}},
	{"a user with all permissions for keys declares a user", byUserOfKeys("PutUser", `{"Name":"mallory","AccessKeys":1}`)},
	{"an administrator makes an access key of the root", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow *")))
		return c.as("alice").asks("RotateAccessKey", "", `{}`), c.root().asks("RotateAccessKey", "", `{}`)
	}},
	{"an administrator makes an access key of another account", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow *")))
		members := `{"AccountId":"999999999999","AccessKeys":1}`
		return c.as("alice").asks("PutAccount", "", members), c.root().asks("PutAccount", "", members)
	}},
	{"an administrator with a boundary declares a user without it", func(c accessTest) (attempt, attempt) {
		c.managedPolicy("limit", c.identity("allow *"))
		c.user("alice", with(c.identity("allow *")), func(e *identity.Entity) { e.Boundary = "arn:aws:iam::111122223333:policy/limit" })
		return c.as("alice").asks("PutUser", "", `{"Name":"mallory"}`), c.as("alice").asks("PutUser", "", `{"Name":"mallory","PermissionsBoundary":"limit"}`)
	}},
	{"a user makes an access key of another user", func(c accessTest) (attempt, attempt) {
		c.user("bob")
		c.user("alice", with(c.identity("allow keyhold:RotateAccessKey on arn:aws:iam::111122223333:user/${aws:username}")))
		return c.as("alice").asks("RotateAccessKey", "", `{"Name":"bob"}`), c.as("alice").asks("RotateAccessKey", "", `{"Name":"alice"}`)
	}},
	{"a user with all permissions for keys declares a policy", byUserOfKeys("PutPolicy", fmt.Sprintf(`{"Name":"all","Document":%q}`, allowAll))},
	{"a user with all permissions for keys declares a role", byUserOfKeys("PutRole", fmt.Sprintf(`{"Name":"app","Trust":%q}`, trustPolicy(`{"AWS":"111122223333"}`, "")))},
	{"a user with all permissions for keys declares an account", byUserOfKeys("PutAccount", `{"AccountId":"999999999999"}`)},
	{"a user with all permissions for keys lists identities", byUserOfKeys("ListIdentities", `{"Kind":"user"}`)},
	{"the root of another account declares a user", func(c accessTest) (attempt, attempt) {
		return c.as("other").asks("PutUser", "", `{"Name":"mallory"}`), c.root().asks("PutUser", "", `{"Name":"mallory"}`)
	}},
}

// byUserOfKeys returns the move of a principal whose policies allow everything about keys.
func byUserOfKeys(operation, members string) func(c accessTest) (attempt, attempt) {
	return func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:*")))
		return c.as("alice").asks(operation, "", members), c.root().asks(operation, "", members)
	}
}

var importMoves = []move{
	{"an import token of another key", func(c accessTest) (attempt, attempt) {
		k, other := c.keyLike(`{"Origin":"EXTERNAL"}`), c.keyLike(`{"Origin":"EXTERNAL"}`)
		return c.imports("home", other, c.importMembers("home", k)), c.imports("home", k, c.importMembers("home", k))
	}},
	{"an import token of another deployment", func(c accessTest) (attempt, attempt) {
		k, other := c.keyLike(`{"Origin":"EXTERNAL"}`), newAccessTest(c.T)
		return c.imports("home", k, other.importMembers("home", other.keyLike(`{"Origin":"EXTERNAL"}`))), c.imports("home", k, c.importMembers("home", k))
	}},
	{"an import token in the hands of who may not import", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:GetParametersForImport")))
		c.user("bob", with(c.identity("allow kms:ImportKeyMaterial")))
		k := c.keyLike(`{"Origin":"EXTERNAL"}`)
		token := c.importMembers("alice", k)
		return c.imports("alice", k, token), c.imports("bob", k, token)
	}},
	{"an import token is fetched by who may only import", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:ImportKeyMaterial")))
		c.user("bob", with(c.identity("allow kms:GetParametersForImport")))
		k := c.keyLike(`{"Origin":"EXTERNAL"}`)
		return c.as("alice").asks("GetParametersForImport", k), c.as("bob").asks("GetParametersForImport", k)
	}},
	{"an import token from before the day before", func(c accessTest) (attempt, attempt) {
		k := c.keyLike(`{"Origin":"EXTERNAL"}`)
		old := c.importMembers("home", k)
		c.clock.Advance(24*time.Hour + time.Second)
		return c.imports("home", k, old), c.imports("home", k, c.importMembers("home", k))
	}},
	{"material is deleted by who may import it", func(c accessTest) (attempt, attempt) {
		c.user("alice", with(c.identity("allow kms:ImportKeyMaterial")))
		c.user("bob", with(c.identity("allow kms:DeleteImportedKeyMaterial")))
		k := c.keyLike(`{"Origin":"EXTERNAL"}`)
		c.imports("home", k, c.importMembers("home", k))()
		return c.as("alice").asks("DeleteImportedKeyMaterial", k), c.as("bob").asks("DeleteImportedKeyMaterial", k)
	}},
}

// importMembers returns the members of an import, with a token that the named actor got for a
// key.
func (c accessTest) importMembers(name, on string) string {
	c.Helper()
	p := c.as(name).does("GetParametersForImport", on).(*api.GetParametersForImportResponse)
	public, err := x509.ParsePKIXPublicKey(p.PublicKey)
	if err != nil {
		c.Fatal(err)
	}
	material, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), make([]byte, 32), nil)
	if err != nil {
		c.Fatal(err)
	}
	return fmt.Sprintf(`{"ImportToken":%q,"EncryptedKeyMaterial":%q}`, base64.StdEncoding.EncodeToString(p.ImportToken), base64.StdEncoding.EncodeToString(material))
}

func (c accessTest) imports(name, on, wrapped string) attempt {
	return c.as(name).asks("ImportKeyMaterial", on, wrapped)
}

// A caller can find out whether a key exists if two refusals differ. A caller with permission
// to know learns it.
var existenceMoves = []move{
	{"a missing key is distinguished from a forbidden one by the answer", func(c accessTest) (attempt, attempt) {
		c.user("mallory")
		c.user("alice", with(c.identity("allow kms:*")))
		return c.distinguishes("mallory", "DescribeKey", c.key(), missingKey), c.distinguishes("alice", "DescribeKey", c.key(), missingKey)
	}},
	{"a missing key of another account is distinguished from a forbidden one", func(c accessTest) (attempt, attempt) {
		c.user("other/zoe", with(c.identity("allow kms:*")))
		c.user("alice", with(c.identity("allow kms:*")))
		return c.distinguishes("other/zoe", "Encrypt", c.key(), missingKey), c.distinguishes("alice", "Encrypt", c.key(), missingKey)
	}},
	{"a missing alias of another account is distinguished from a forbidden one", func(c accessTest) (attempt, attempt) {
		c.user("other/zoe", with(c.identity("allow kms:*")))
		c.user("alice", with(c.identity("allow kms:*")))
		const alias = "arn:aws:kms:eu-west-2:111122223333:alias/"
		c.root().does("CreateAlias", c.key(), `{"AliasName":"alias/there"}`)
		return c.distinguishes("other/zoe", "Encrypt", alias+"there", alias+"empty"), c.distinguishes("alice", "Encrypt", alias+"there", alias+"empty")
	}},
	{"a missing grant is distinguished from the grants of others", func(c accessTest) (attempt, attempt) {
		c.user("mallory")
		k := c.key()
		id, _ := c.root().grants(k, "home", "Encrypt")
		retire := func(name string) attempt {
			return func() error {
				return c.differ(c.as(name).asks("RetireGrant", "", `{"KeyId":"`+k+`","GrantId":"`+id+`","DryRun":true}`), c.as(name).asks("RetireGrant", "", `{"KeyId":"`+k+`","GrantId":"`+strings.Repeat("0", 64)+`"}`))
			}
		}
		return retire("mallory"), retire("home")
	}},
	{"a dry run tells a missing key from a forbidden one", func(c accessTest) (attempt, attempt) {
		c.user("mallory")
		c.user("alice", with(c.identity("allow kms:*")))
		return c.distinguishes("mallory", "Encrypt", c.key(), missingKey, `{"DryRun":true}`), c.distinguishes("alice", "Encrypt", c.key(), missingKey, `{"DryRun":true}`)
	}},
	{"a key in a state tells that it is there", func(c accessTest) (attempt, attempt) {
		c.user("mallory")
		c.user("alice", with(c.identity("allow kms:*")))
		k := c.key()
		c.root().does("DisableKey", k)
		return c.distinguishes("mallory", "Encrypt", k, missingKey), c.distinguishes("alice", "Encrypt", k, missingKey)
	}},
	{"a key of another usage tells that it is there", func(c accessTest) (attempt, attempt) {
		c.user("mallory")
		c.user("alice", with(c.identity("allow kms:*")))
		k := c.keyLike(`{"KeySpec":"HMAC_256","KeyUsage":"GENERATE_VERIFY_MAC"}`)
		return c.distinguishes("mallory", "Encrypt", k, missingKey), c.distinguishes("alice", "Encrypt", k, missingKey)
	}},
	{"a missing role is distinguished from one that does not trust", func(c accessTest) (attempt, attempt) {
		c.user("mallory", with(c.identity("allow sts:*")))
		c.people.role("closed", trustPolicy(`{"AWS":"`+who("home")+`"}`, `,"Condition":{"Bool":{"aws:SecureTransport":"true"}}`), func(*identity.Role) {})
		c.role("open")
		attack := func(role string) attempt {
			return func() error { return withoutName(c.as("mallory").assumeAttempt(role, nil)(), role) }
		}
		return func() error { return c.differ(attack("closed"), attack("hidden")) }, func() error { return c.differ(attack("open"), attack("none")) }
	}},
	{"a ciphertext tells that its key is there", func(c accessTest) (attempt, attempt) {
		c.user("mallory")
		c.user("alice", with(c.identity("allow kms:*")))
		k, gone := c.key(), c.key()
		there, missing := ciphertext(c.blob(k)), ciphertext(c.blob(gone))
		c.changeKey(gone, func(k *key.Key) { k.State, k.DeletionDate = key.PendingDeletion, c.clock.Now().Add(-1) })
		tells := func(name string) attempt {
			return func() error {
				return c.differ(c.as(name).asks("Decrypt", "", there), c.as(name).asks("Decrypt", "", missing))
			}
		}
		return tells("mallory"), tells("alice")
	}},
}

const missingKey = "arn:aws:kms:eu-west-2:111122223333:key/00000000-0000-0000-0000-000000000000"

// distinguishes returns an attempt to distinguish an existing resource from a missing one.
func (c accessTest) distinguishes(name, operation, there, missing string, members ...string) attempt {
	c.Helper()
	named := func(on string) attempt {
		try := c.as(name).asks(operation, on, members...)
		return func() error { return withoutName(try(), on) }
	}
	return func() error { return c.differ(named(there), named(missing)) }
}

// withoutName returns a refusal without the name of its resource.
func withoutName(err error, name string) error {
	if e, ok := errors.AsType[*key.Error](err); ok {
		return key.Errorf(e.Kind, "%d %s", len(e.Message), strings.ReplaceAll(e.Message, name, "it"))
	}
	return err
}

// differ succeeds if two attempts end differently.
func (c accessTest) differ(a, b attempt) error {
	if a, b := fmt.Sprint(a()), fmt.Sprint(b()); a == b {
		return key.Errorf(key.KindAccessDenied, "both: %s", a)
	}
	return nil
}
