package service

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// requestsOfOtherSpecs returns requests of the operations that need a key of another spec than Encrypt.
func requestsOfOtherSpecs() (all []preparedRequest) {
	row := func(operation, keyMembers string, members func(c accessTest, on string) string) {
		all = append(all, preparedRequest{operation + " of its spec", func(c accessTest) (actor, string, string, []string) {
			c.alice()
			on := c.keyLike(keyMembers)
			return c.as("alice"), operation, on, []string{members(c, on)}
		}})
	}
	always := func(members string) func(accessTest, string) string {
		return func(accessTest, string) string { return members }
	}
	const signing, mac = `{"KeySpec":"ECC_NIST_P256","KeyUsage":"SIGN_VERIFY"}`, `{"KeySpec":"HMAC_256","KeyUsage":"GENERATE_VERIFY_MAC"}`
	const toSign, toMAC = `{"Message":"eA==","MessageType":"RAW","SigningAlgorithm":"ECDSA_SHA_256"}`, `{"Message":"eA==","MacAlgorithm":"HMAC_SHA_256"}`
	row("Sign", signing, always(toSign))
	row("GetPublicKey", signing, always(`{}`))
	row("GenerateMac", mac, always(toMAC))
	row("Verify", signing, func(c accessTest, on string) string {
		out := c.root().does("Sign", on, toSign).(*api.SignResponse)
		return fmt.Sprintf(`{"Message":"eA==","MessageType":"RAW","SigningAlgorithm":"ECDSA_SHA_256","Signature":%q}`, base64.StdEncoding.EncodeToString(out.Signature))
	})
	row("VerifyMac", mac, func(c accessTest, on string) string {
		out := c.root().does("GenerateMac", on, toMAC).(*api.GenerateMacResponse)
		return fmt.Sprintf(`{"Message":"eA==","MacAlgorithm":"HMAC_SHA_256","Mac":%q}`, base64.StdEncoding.EncodeToString(out.Mac))
	})
	const agreeing, encapsulating = `{"KeySpec":"ECC_NIST_P256","KeyUsage":"KEY_AGREEMENT"}`, `{"KeySpec":"ML_KEM_768","KeyUsage":"ENCAPSULATE_DECAPSULATE"}`
	row("DeriveSharedSecret", agreeing, func(c accessTest, _ string) string {
		out := c.root().does("GetPublicKey", c.keyLike(agreeing)).(*api.GetPublicKeyResponse)
		return fmt.Sprintf(`{"PublicKey":%q}`, base64.StdEncoding.EncodeToString(out.PublicKey))
	})
	row("Encapsulate", encapsulating, always(`{}`))
	row("Decapsulate", encapsulating, func(c accessTest, on string) string {
		out := c.root().does("Encapsulate", on).(*api.EncapsulateResponse)
		return fmt.Sprintf(`{"SharedSecretCiphertextBlob":%q}`, base64.StdEncoding.EncodeToString(out.SharedSecretCiphertextBlob))
	})
	return all
}

// requestsOfReplicas returns changes of a primary key with two replicas.
func requestsOfReplicas() (all []preparedRequest) {
	row := func(operation, keyMembers string, members func(c accessTest, on string) string) {
		all = append(all, preparedRequest{operation + " with two replicas", func(c accessTest) (actor, string, string, []string) {
			c.alice()
			on := c.keyLike(keyMembers)
			text := members(c, on)
			for _, region := range []string{"eu-west-10", "eu-west-11"} {
				c.root().does("ReplicateKey", on, fmt.Sprintf(`{"ReplicaRegion":%q}`, region))
			}
			return c.as("alice"), operation, on, []string{text}
		}})
	}
	none := func(accessTest, string) string { return `{}` }
	row("UpdatePrimaryRegion", multiRegion, func(accessTest, string) string { return `{"PrimaryRegion":"eu-west-10"}` })
	row("RotateKeyOnDemand", multiRegion, none)
	row("ScheduleKeyDeletion", multiRegion, none)
	row("GetKeyRotationStatus", multiRegion, none)
	row("DescribeKey", multiRegion, none)
	row("EnableKeyRotation", multiRegion, none)
	for _, operation := range []string{"GetKeyRotationStatus", "DescribeKey"} {
		all = append(all, preparedRequest{operation + " of a replica", func(c accessTest) (actor, string, string, []string) {
			c.alice()
			on := c.keyLike(multiRegion)
			c.root().does("ReplicateKey", on, `{"ReplicaRegion":"eu-west-10"}`)
			there := c.as("alice").with(func(r *Request) { r.Caller.Region = "eu-west-10" })
			return there, operation, on[strings.LastIndexByte(on, '/')+1:], nil
		}})
	}
	return all
}

// requestsOfEachKind returns requests of administrators about each kind of identity.
func requestsOfEachKind() (all []preparedRequest) {
	row := func(operation, members string) {
		all = append(all, preparedRequest{operation + " " + members, func(c accessTest) (actor, string, string, []string) {
			c.alice()
			root := c.rootWithKey()
			for _, name := range []string{"PutAccount", "PutPolicy", "PutProvider", "PutRole", "PutUser"} {
				root.does(name, "", administrations[name])
			}
			c.managedPolicy("unused", allowAll)
			root.does("PutUser", "", `{"Name":"full","Attached":["p"],"Boundary":"p","AccessKeys":1}`)
			return root, operation, "", []string{members}
		}})
	}
	for kind, name := range map[string]string{"account": "555566667777", "user": "full", "role": "r", "policy": "p", "oidc-provider": "oidc.example.com"} {
		row("ShowIdentity", fmt.Sprintf(`{"Kind":%q,"Name":%q}`, kind, name))
		row("ListIdentities", fmt.Sprintf(`{"Kind":%q}`, kind))
		if kind != "policy" && kind != "account" {
			row("DeleteIdentity", fmt.Sprintf(`{"Kind":%q,"Name":%q}`, kind, name))
		}
	}
	row("DeleteIdentity", `{"Kind":"policy","Name":"unused"}`)
	row("SetIdentityState", `{"Kind":"role","Name":"r","Enabled":false}`)
	row("RevokeSessions", `{"Kind":"role","Name":"r"}`)
	row("RotateAccessKey", `{"Name":"full"}`)
	row("RotateAccessKey", `{}`)
	row("PutUser", `{"Name":"full","Path":"/x/","AccessKeys":2}`)
	row("PutUser", `{"Name":"full","Attached":[]}`)
	return all
}

// requestsOfSessions returns requests for sessions. The provider issues the tokens of web identities.
func requestsOfSessions(p provider) (all []preparedRequest) {
	row := func(name, operation string, prepare func(c accessTest) (a actor, members string)) {
		all = append(all, preparedRequest{name, func(c accessTest) (actor, string, string, []string) {
			c.alice()
			a, members := prepare(c)
			return a, operation, "", []string{members}
		}})
	}
	app := func(policies ...string) string {
		return fmt.Sprintf(`{"RoleArn":%q,"RoleSessionName":"build-7","PolicyArns":[%s]}`, who("role/app"), strings.Join(policies, ","))
	}
	row("AssumeRole", "AssumeRole", func(c accessTest) (actor, string) {
		managed := c.managedPolicy("m", allowAll)
		c.role("app")
		c.user("alice", func(e *identity.Entity) { e.Attached, e.Boundary = []string{managed}, managed })
		return c.as("alice"), app(fmt.Sprintf(`{"arn":%q}`, managed))
	})
	row("AssumeRole by a session", "AssumeRole", func(c accessTest) (actor, string) {
		c.role("app")
		c.role("first", with(allowAll))
		return c.as("role/first"), app()
	})
	all = append(all, preparedRequest{"DescribeKey by a grant", func(c accessTest) (actor, string, string, []string) {
		c.user("bob")
		on := c.key("allow home kms:*")
		c.root().grants(on, "bob", "DescribeKey")
		return c.as("bob"), "DescribeKey", on, nil
	}})
	row("GetSessionToken", "GetSessionToken", func(c accessTest) (actor, string) { return c.as("alice"), `{}` })
	row("GetSessionToken of the root", "GetSessionToken", func(c accessTest) (actor, string) { return c.rootWithKey(), `{}` })
	row("GetCallerIdentity", "GetCallerIdentity", func(c accessTest) (actor, string) { return c.as("alice"), `{}` })
	row("AssumeRoleWithWebIdentity", "AssumeRoleWithWebIdentity", func(c accessTest) (actor, string) {
		oidc := identity.OIDCProvider{Account: homeAccount, Issuer: strings.TrimPrefix(issuer, "https://"), ClientIDs: []string{"x"}}
		c.people.role("web", strings.ReplaceAll(trustPolicy(fmt.Sprintf(`{"Federated":%q}`, oidc.ARN()), ""), `"sts:AssumeRole"`, `"sts:AssumeRoleWithWebIdentity"`), func(*identity.Role) {})
		c.update(func(tx *store.Tx) error {
			return records.OIDCProviders.Put(tx, records.ProviderPath(homeAccount, oidc.Issuer), oidc)
		})
		stranger := actor{accessTest: c, who: identity.Principal{Kind: identity.KindWebIdentity}}
		return stranger, fmt.Sprintf(`{"RoleArn":%q,"RoleSessionName":"build-7","WebIdentityToken":%q}`, who("role/web"), *p.token(c.T))
	})
	return all
}

// explainingRequests returns questions about decisions.
func explainingRequests() (all []preparedRequest) {
	row := func(name string, prepare func(c accessTest, on string) (members string)) {
		all = append(all, preparedRequest{"ExplainDecision of " + name, func(c accessTest) (actor, string, string, []string) {
			c.alice()
			on := c.key("allow home keyhold:*,kms:CreateGrant,kms:CreateAlias")
			return c.rootWithKey(), "ExplainDecision", on, []string{prepare(c, on)}
		}})
	}
	decrypts := func(principal, on, more string) string {
		return fmt.Sprintf(`{"PrincipalArn":%q,"Action":"kms:Decrypt","KeyId":%q%s}`, principal, on, more)
	}
	row("a user", func(c accessTest, on string) string { return decrypts(who("alice"), on, "") })
	row("a user with grants", func(c accessTest, on string) string {
		c.user("bob")
		c.root().grants(on, "bob", "Decrypt")
		c.root().grants(on, "bob", "Encrypt")
		return decrypts(who("bob"), on, "")
	})
	row("a user with the grant of a token", func(c accessTest, on string) string {
		c.user("bob")
		_, token := c.root().grants(on, "bob", "Decrypt")
		return decrypts(who("bob"), on, fmt.Sprintf(`,"GrantTokens":[%q]`, token))
	})
	row("a role by its alias", func(c accessTest, on string) string {
		c.role("app", with(allowAll), c.boundary("allow kms:*"))
		withAlias(c, on)
		return decrypts(who("role/app"), "alias/old", "")
	})
	row("a missing key", func(c accessTest, on string) string {
		return decrypts(who("alice"), "1234abcd-12ab-34cd-56ef-1234567890ab", "")
	})
	row("a user of another account", func(c accessTest, on string) string {
		c.policy(on, c.document(true, "allow other kms:Decrypt", "allow home kms:*,keyhold:*"))
		return decrypts("arn:aws:iam::"+otherAccount+":user/x", on, "")
	})
	return all
}
