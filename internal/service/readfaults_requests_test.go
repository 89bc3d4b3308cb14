package service

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
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
	all = append(all, preparedRequest{"GetKeyRotationStatus of a replica", func(c accessTest) (actor, string, string, []string) {
		c.alice()
		on := c.keyLike(multiRegion)
		c.root().does("ReplicateKey", on, `{"ReplicaRegion":"eu-west-10"}`)
		there := c.as("alice").with(func(r *Request) { r.Caller.Region = "eu-west-10" })
		return there, "GetKeyRotationStatus", on[strings.LastIndexByte(on, '/')+1:], nil
	}})
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
	row("SetIdentityState", `{"Kind":"role","Name":"r","Enabled":false}`)
	row("RevokeSessions", `{"Kind":"role","Name":"r"}`)
	row("RotateAccessKey", `{"Name":"full"}`)
	row("PutUser", `{"Name":"full","Path":"/x/","AccessKeys":2}`)
	row("PutUser", `{"Name":"full","Attached":[]}`)
	return all
}
