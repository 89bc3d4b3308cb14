package service

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// sends lets the actor send a request with exactly these members.
func (a actor) sends(operation, members string) (any, error) {
	a.Helper()
	op, ok := a.Find(operation)
	in := op.NewInput()
	if err := api.Decode([]byte(members), in); err != nil || !ok {
		a.Fatal(operation, members, err)
	}
	r := Request{Caller: identity.Caller{Principal: a.who, Region: "eu-west-2"}, SourceIP: "192.0.2.1", Secure: true, Operation: op, Input: in}
	return a.Do(a.Context(), r)
}

// Requests that the shapes of the API allow and that make no sense are refused with the reason.
func TestRefusedRequests(t *testing.T) {
	_, d := newInterruptibleTest(t)
	p := newProvider(t)
	d.web = p
	c := d.open(t)
	c.alice()
	root := c.rootWithKey()
	oidc := identity.OIDCProvider{Account: homeAccount, Issuer: strings.TrimPrefix(issuer, "https://"), ClientIDs: []string{"x"}}
	c.people.role("web", strings.ReplaceAll(trustPolicy(fmt.Sprintf(`{"Federated":%q}`, oidc.ARN()), ""), `"sts:AssumeRole"`, `"sts:AssumeRoleWithWebIdentity"`), func(*identity.Role) {})
	c.update(func(tx *store.Tx) error {
		return records.OIDCProviders.Put(tx, records.ProviderPath(homeAccount, oidc.Issuer), oidc)
	})
	c.role("app")
	symmetric, public, signing := c.key(), c.keyLike(`{"KeySpec":"RSA_2048","KeyUsage":"ENCRYPT_DECRYPT"}`), c.keyLike(`{"KeySpec":"RSA_2048","KeyUsage":"SIGN_VERIFY"}`)
	stranger := actor{accessTest: c, who: identity.Principal{Kind: identity.KindWebIdentity}}
	withToken := func(token, more string) string {
		return fmt.Sprintf(`{"RoleArn":%q,"RoleSessionName":"x7","WebIdentityToken":%q%s}`, who("role/web"), token, more)
	}
	good := *p.token(t)
	if _, err := stranger.sends("AssumeRoleWithWebIdentity", withToken(good, "")); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	for _, test := range []struct {
		a                  actor
		operation, members string
		kind               key.Kind
		text               string
	}{
		{stranger, "AssumeRoleWithWebIdentity", withToken(good, `,"ProviderId":"www.amazon.com"`), key.KindValidation, "ProviderId is for"},
		{stranger, "AssumeRoleWithWebIdentity", withToken(good, `,"Policy":"{"`), key.KindMalformedPolicyDocument, "The session policy"},
		{stranger, "AssumeRoleWithWebIdentity", withToken("xxxx", ""), key.KindInvalidIdentityToken, ""},
		{stranger, "AssumeRoleWithWebIdentity", withToken(parts[0]+"."+parts[1]+".AAAA", ""), key.KindInvalidIdentityToken, ""},
		{c.as("alice"), "AssumeRole", fmt.Sprintf(`{"RoleArn":%q,"RoleSessionName":"x7","Policy":"{"}`, who("role/app")), key.KindMalformedPolicyDocument, "The session policy"},
		{c.as("alice"), "AssumeRole", fmt.Sprintf(`{"RoleArn":%q,"RoleSessionName":"x7"}`, who("alice")), key.KindValidation, "is invalid"},
		{root, "SetIdentityState", `{"AccessKeyId":"AKIAX","Kind":"user","Name":"alice","Enabled":false}`, key.KindValidation, "Either AccessKeyId or Kind and Name"},
		{root, "SetIdentityState", `{"Kind":"user","Enabled":false}`, key.KindValidation, "Either AccessKeyId or Kind and Name"},
		{root, "SetIdentityState", `{"Kind":"policy","Name":"p","Enabled":false}`, key.KindValidation, "Only users, roles and access keys"},
		{root, "SetIdentityState", `{"AccessKeyId":"AKIANONE","Enabled":false}`, key.KindNotFound, "There is no access key AKIANONE"},
		{root, "ShowIdentity", `{"Kind":"group","Name":"g"}`, key.KindValidation, ""},
		{root, "DeleteIdentity", `{"Kind":"group","Name":"g"}`, key.KindValidation, ""},
		{root, "ListIdentities", `{"Kind":"user","Marker":"x"}`, key.KindInvalidMarker, ""},
		{root, "MoveClock", `{}`, key.KindValidation, "Exactly one of"},
		{root, "MoveClock", `{"AdvanceSeconds":1,"To":1893456000}`, key.KindValidation, "Exactly one of"},
		{root, "RetireGrant", `{}`, key.KindValidation, "either a GrantToken, or both"},
		{root, "GenerateDataKeyPair", fmt.Sprintf(`{"KeyId":%q,"KeyPairSpec":"RSA_2048","Recipient":{}}`, symmetric), key.KindUnsupportedOperation, ""},
		{root, "GenerateDataKeyPair", fmt.Sprintf(`{"KeyId":%q,"KeyPairSpec":"SM2"}`, symmetric), key.KindUnsupportedOperation, "SM2 are not supported"},
		{root, "GetParametersForImport", fmt.Sprintf(`{"KeyId":%q,"WrappingAlgorithm":"RSAES_PKCS1_V1_5","WrappingKeySpec":"RSA_2048"}`, c.keyLike(external)), key.KindUnsupportedOperation, "Wrapping algorithm"},
		{root, "DeleteImportedKeyMaterial", fmt.Sprintf(`{"KeyId":%q}`, symmetric), key.KindUnsupportedOperation, ""},
		{root, "ListKeyRotations", fmt.Sprintf(`{"KeyId":%q}`, public), key.KindUnsupportedOperation, ""},
		{root, "Encrypt", fmt.Sprintf(`{"KeyId":%q,"Plaintext":"eA==","EncryptionAlgorithm":"RSAES_OAEP_SHA_256","EncryptionContext":{"a":"b"}}`, public), key.KindValidation, "An encryption context is not supported"},
		{root, "Encrypt", fmt.Sprintf(`{"KeyId":%q,"Plaintext":%q,"EncryptionAlgorithm":"RSAES_OAEP_SHA_256"}`, public, strings.Repeat("AAAA", 100)), key.KindValidation, ""},
		{root, "Sign", fmt.Sprintf(`{"KeyId":%q,"Message":"eA==","MessageType":"DIGEST","SigningAlgorithm":"RSASSA_PSS_SHA_256"}`, signing), key.KindValidation, ""},
		{root, "Verify", fmt.Sprintf(`{"KeyId":%q,"Message":"eA==","MessageType":"DIGEST","Signature":"eA==","SigningAlgorithm":"RSASSA_PSS_SHA_256"}`, signing), key.KindValidation, ""},
		{root, "ExplainDecision", fmt.Sprintf(`{"PrincipalArn":%q,"Action":"kms:Decrypt","KeyId":%q,"Members":{"GrantTokens":"bm9uZQ=="}}`, who("alice"), symmetric), key.KindInvalidGrantToken, ""},
		{root, "ExplainDecision", fmt.Sprintf(`{"PrincipalArn":%q,"Action":"kms:CreateAlias","KeyId":%q,"GrantTokens":[]}`, who("alice"), symmetric), key.KindValidation, "no member for grant tokens"},
	} {
		out, err := test.a.sends(test.operation, test.members)
		if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != test.kind || !strings.Contains(e.Message, test.text) {
			t.Errorf("%s %s: %v, %v", test.operation, test.members, out, err)
		}
	}
}

// A computation that does not get its turn ends the request, whatever the computation is for.
func TestRequestsWithoutATurn(t *testing.T) {
	c := newAccessTest(t)
	c.alice()
	on := c.key()
	text := c.document(true, "allow home kms:*", `deny other kms:* if StringLike aws:username `+strings.Repeat("x", 2*longDocument))
	conditions := strings.TrimSuffix(strings.Repeat(`"*b?b*c*",`, 400), ",")
	slow := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotLike":{"aws:useragent":[` + conditions + `]}}}]}`
	named := func(r *Request) { r.UserAgent = strings.Repeat("a", 8000) }
	for _, test := range []struct {
		name      string
		effort    effort
		prepare   func() actor
		operation string
		on        string
		members   string
	}{
		{"a long key policy", policies, func() actor { c.policy(on, text); return c.root() }, "DescribeKey", on, `{}`},
		{"a slow policy of the caller", policies, func() actor {
			c.policy(on, c.document(true, "allow home kms:*"))
			c.user("bob", with(slow))
			return c.as("bob").with(named)
		}, "DescribeKey", on, `{}`},
		{"a new key policy", policies, func() actor { return c.root() }, "PutKeyPolicy", on, fmt.Sprintf(`{"Policy":%q}`, text+" ")},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := test.prepare()
			a.accessTest = c.in(t)
			c.expensive = newExpensive(1, nil)
			c.expensive.patience = time.Millisecond
			if err := c.expensive.begin(t.Context(), test.effort, "mallory"); err != nil {
				t.Fatal(err)
			}
			if out, err := a.try(test.operation, test.on, test.members); !isThrottled(err) {
				t.Errorf("%v, %v", out, err)
			}
			c.expensive.end(test.effort)
			if _, err := a.try(test.operation, test.on, test.members); err != nil {
				t.Errorf("with its turn: %v", err)
			}
		})
	}
}

// A token that the server has sealed, with a content that is not of an import token, is refused.
func TestTokensOfAnotherContent(t *testing.T) {
	c, k := tokenFixture(t, "ECC_NIST_P256")
	_, token := newToken(t, c, k, "RSAES_OAEP_SHA_256")
	tokenKey, err := c.tokenKeys.ForSealing(t.Context(), material.HourOf(c.now))
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"", "{", `{"keyArn":1}`} {
		sealed, err := crypt.SealToken(tokenKey, bytes.Clone(token[:tokenHeaderSize]), []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := c.openToken(sealed, k); err == nil || opened.KeyARN != "" {
			t.Errorf("%q: %+v, %v", content, opened, err)
		}
	}
}

// An alias is deleted, or moved, as the request has seen it: if the alias was moved meanwhile, the request decides again
// and succeeds, or fails.
func TestAliasesThatAreMovedMeanwhile(t *testing.T) {
	for _, operation := range []string{"DeleteAlias", "UpdateAlias"} {
		for at := 1; ; at++ {
			c, _ := newInterruptibleTest(t)
			c.alice()
			on, other, third := c.key(), c.key(), c.key()
			withAlias(c, on)
			i := &interruption{at: at, fn: func() { c.root().does("UpdateAlias", other, `{"AliasName":"alias/old"}`) }}
			target := map[string]string{"DeleteAlias": "", "UpdateAlias": third}[operation]
			err := c.as("alice").interruptedBy(i, operation, target, `{"AliasName":"alias/old"}`)
			names := map[string]int{}
			for _, k := range []string{on, other, third} {
				names[k] = len(c.root().does("ListAliases", k, fmt.Sprintf(`{"KeyId":%q}`, k)).(*api.ListAliasesResponse).Aliases)
			}
			want := map[string]int{on: 0, other: 0, third: 0}
			if target != "" {
				want[third] = 1
			}
			if err == nil && fmt.Sprint(names) != fmt.Sprint(want) {
				t.Errorf("%s, moved before step %d: %v", operation, at, names)
			}
			if !i.interrupt {
				break
			}
		}
	}
}

// A replication fails if its primary key got the last of its replicas meanwhile.
func TestTooManyReplicationsAtOnce(t *testing.T) {
	for at := 1; ; at++ {
		c, _ := newInterruptibleTest(t)
		c.alice()
		on := c.keyLike(multiRegion)
		i := &interruption{at: at, fn: func() {
			c.changeKey(on, func(k *key.Key) { k.MultiRegion.Replicas = make([]key.Replica, key.MaxReplicas) })
		}}
		err := c.as("alice").interruptedBy(i, "ReplicateKey", on, `{"ReplicaRegion":"eu-west-10"}`)
		if i.interrupt == (err == nil) {
			t.Errorf("with the other replicas before step %d: %v", at, err)
		}
		if !i.interrupt {
			break
		}
	}
}

// A clock moves although a rotation that became due fails. The log has the reason.
func TestMoveClockDespiteAFailedRotation(t *testing.T) {
	var log bytes.Buffer
	db := memory.New()
	c := accessTest{people{t, openLike(t, func(c *Config) {
		c.Backend, c.Dev, c.DevAccount, c.Log = db, true, homeAccount, slog.New(slog.NewTextHandler(&log, nil))
	})}}
	c.sweeper.close()
	on := c.key()
	c.root().does("EnableKeyRotation", on)
	path := records.Keys.Prefix + "/" + records.PathOf(c.stored(on))
	if _, err := db.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: []byte(path), Value: []byte("damaged")}}}); err != nil {
		t.Fatal(err)
	}
	out, err := c.root().sends("MoveClock", fmt.Sprintf(`{"AdvanceSeconds":%d}`, 400*24*3600))
	if err != nil || out.(*api.ClockResponse) == nil {
		t.Errorf("%v, %v", out, err)
	}
	if !strings.Contains(log.String(), "a rotation that became due with the new time failed") || !strings.Contains(log.String(), path) {
		t.Errorf("the log: %s", &log)
	}
}
