package service

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/webidentity"
)

// A provider is an OIDC provider that answers without a network.
type provider struct{ private *ecdsa.PrivateKey }

func newProvider(t *testing.T) provider {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return provider{private}
}

const issuer = "https://oidc.example.com"

func (p provider) RoundTrip(r *http.Request) (*http.Response, error) {
	var answer any = map[string]string{"issuer": issuer, "jwks_uri": issuer + "/keys"}
	if r.URL.Path == "/keys" {
		answer = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.private.Public(), KeyID: "1"}}}
	}
	text, err := json.Marshal(answer)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(string(text))), Request: r}, err
}

// token returns a token with more claims, each of which begins with a comma.
func (p provider) token(t *testing.T, claims ...string) *string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.private, KeyID: "1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign([]byte(fmt.Sprintf(`{"iss":%q,"sub":"app","aud":["x"],"exp":%d%s}`, issuer, time.Now().Add(time.Hour).Unix(), strings.Join(claims, ""))))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return &token
}

// newConfirmTest returns a fixture for requests that change nothing: alice may do everything and
// may assume a role, and a user with a token of the provider may assume another role.
func newConfirmTest(t *testing.T) (c accessTest, inputs map[string]any) {
	return newConfirmTestWith(t, newProvider(t))
}

func newConfirmTestWith(t *testing.T, p provider) (c accessTest, inputs map[string]any) {
	s := openLike(t, func(c *Config) {
		c.Dev, c.DevAccount = true, homeAccount
		c.WebIdentity = webidentity.New(func(*x509.CertPool) http.RoundTripper { return p }, time.Now)
	})
	c = accessTest{people{t, s}}
	c.user("alice", with(allowAll))
	c.role("app")
	oidc := identity.OIDCProvider{Account: homeAccount, Issuer: strings.TrimPrefix(issuer, "https://"), ClientIDs: []string{"x"}}
	trust := fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":%q},"Action":"sts:AssumeRoleWithWebIdentity"}}`, oidc.ARN())
	c.people.role("web", trust, func(*identity.Role) {})
	c.update(func(tx *store.Tx) error {
		return errors.Join(
			records.OIDCProviders.Put(tx, records.ProviderPath(homeAccount, oidc.Issuer), oidc),
			records.AccessKeys.Put(tx, rootKey, identity.StoredKey{Account: homeAccount, Secret: "secret"}))
	})
	return c, map[string]any{
		"AssumeRole": &sts.AssumeRoleRequest{RoleArn: new(who("role/app")), RoleSessionName: new("build-7")},
		"AssumeRoleWithWebIdentity": &sts.AssumeRoleWithWebIdentityRequest{
			RoleArn: new(who("role/web")), RoleSessionName: new("build-7"), WebIdentityToken: p.token(t),
		},
		"GetCallerIdentity": &sts.GetCallerIdentityRequest{},
		"GetSessionToken":   &sts.GetSessionTokenRequest{},
		"ExplainDecision":   &api.ExplainDecisionRequest{PrincipalArn: new(who("alice")), Action: new("kms:Decrypt")},
		"ListIdentities":    &api.ListIdentitiesRequest{Kind: new("user")},
		"ProveEvent":        &api.ProveEventRequest{EventId: new("x")},
		"ShowIdentity":      &api.IdentityRequest{Kind: new("user"), Name: new("alice")},
	}
}

// A session of a web identity has the source identity of the token, and the response contains it.
func TestSourceIdentityOfAToken(t *testing.T) {
	p := newProvider(t)
	c, inputs := newConfirmTestWith(t, p)
	trust := strings.Replace(trustPolicy(`{"Federated":"arn:aws:iam::`+homeAccount+`:oidc-provider/oidc.example.com"}`, ""),
		`"sts:AssumeRole"`, `"sts:AssumeRoleWithWebIdentity"`, 1)
	c.people.role("web", trust, func(*identity.Role) {})
	in := inputs["AssumeRoleWithWebIdentity"].(*sts.AssumeRoleWithWebIdentityRequest)
	for _, test := range []struct{ claims, want string }{{"", ""}, {`,"https://aws.amazon.com/source_identity":"alice"`, "alice"}} {
		in.WebIdentityToken = p.token(t, test.claims)
		out, err := c.do(identity.Principal{Kind: identity.KindWebIdentity}, "AssumeRoleWithWebIdentity", in)
		if err != nil {
			t.Fatal(err)
		}
		got := out.(*sts.AssumeRoleWithWebIdentityResponse)
		session, ok := c.people.session(got.Credentials)
		if or(got.SourceIdentity, "") != test.want || !ok || session.Principal.Session.SourceIdentity != test.want {
			t.Errorf("%+v, %+v", got, session.Principal)
		}
	}
}

// afterRun returns the operation with a function that is called after it has run.
func afterRun(o Operation, fn func()) Operation {
	run := o.run
	o.run = func(c *call, in any) (any, error) {
		out, err := run(c, in)
		fn()
		if out == nil || o.Target == api.TargetKMS {
			out, err = &api.Empty{}, nil // the request lacks members that the operation needs
		}
		return out, err
	}
	return o
}

// A request that changes nothing returns no result once a permission was revoked, however long
// the operation took.
func TestNothingIsHandedOutAfterARevocation(t *testing.T) {
	c, inputs := newConfirmTest(t)
	on := c.key()
	blob := c.blob(on)
	unneeded := []string{"GetCallerIdentity"} // needs no permission
	for name, o := range operations(true) {
		if !o.ReadOnly {
			continue
		}
		t.Run(name, func(t *testing.T) {
			c := c.in(t)
			a, keyID := c.as("alice"), "AKIAALICE"
			if o.Target == api.TargetAdmin && name != "ExplainDecision" {
				a, keyID = c.rootWithKey(), rootKey
			}
			in := inputs[name]
			if name == "Backup" {
				in = aBackup()
			}
			if in == nil {
				_, in = c.request(name, on, map[bool]string{true: ciphertext(blob), false: `{}`}[name == "Decrypt" || name == "ReEncrypt"])
			}
			do := func(revoke func()) error {
				who := identity.Caller{Principal: a.who, Region: "eu-west-2"}
				if o.Unsigned {
					who.Principal = identity.Principal{Kind: identity.KindWebIdentity}
				}
				_, err := c.Do(t.Context(), Request{Caller: who, Operation: afterRun(o, revoke), Input: in})
				return err
			}
			refused := func(what string, revoke func()) {
				t.Helper()
				if e, ok := errors.AsType[*key.Error](do(revoke)); !ok || !slices.Contains([]key.Kind{key.KindAccessDenied, key.KindUnrecognizedClient, key.KindInvalidIdentityToken}, e.Kind) {
					t.Errorf("without %s: %v", what, e)
				}
			}
			if err := do(func() {}); err != nil {
				t.Fatal(err)
			}
			if err := do(func() { c.user("bob") }); err != nil {
				t.Errorf("while something else was changed: %v", err)
			}
			if o.Unsigned {
				c.refusedWithoutProvider(refused)
				return
			}
			refused("the access key", func() { c.setKey(keyID, true) })
			c.setKey(keyID, false)
			if keyID != rootKey && !slices.Contains(unneeded, name) {
				refused("a policy of the user", func() { c.user("alice", with(c.identity("deny *"))) })
				c.user("alice", with(allowAll))
			}
		})
	}
}

// refusedWithoutProvider revokes each thing that an assumption with a token depends on.
func (c accessTest) refusedWithoutProvider(refused func(what string, revoke func())) {
	path := records.ProviderPath(homeAccount, strings.TrimPrefix(issuer, "https://"))
	was, _, err := records.OIDCProviders.Latest(c.Context(), c.store, path, nil)
	if err != nil {
		c.Fatal(err)
	}
	put := func(p identity.OIDCProvider) {
		c.update(func(tx *store.Tx) error { return records.OIDCProviders.Put(tx, path, p) })
	}
	refused("the provider", func() { c.update(func(tx *store.Tx) error { return records.OIDCProviders.Delete(tx, path) }) })
	put(was)
	refused("the audience", func() {
		changed := was
		changed.ClientIDs = []string{"y"}
		put(changed)
	})
	put(was)
	refused("the trust", func() { c.people.role("web", trustPolicy(`{"AWS":"`+homeAccount+`"}`, ""), func(*identity.Role) {}) })
}

// If nothing was changed, no decision is repeated. If the store changes all the time, the last
// decision is about one moment.
func TestConfirm(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice", with(allowAll))
	on := c.key()
	op, in := c.request("DescribeKey", on)
	decided, changes := 0, 0
	find := op.asks[0].On
	op.asks = asks{{Action: "kms:DescribeKey", On: func(k *call, in any) (target, error) {
		if decided++; decided > 1 && k.from == nil {
			changes++
			c.user("bob")
		}
		return find(k, in)
	}}}
	do := func(op Operation) {
		decided, changes = 0, 0
		if _, err := c.Do(t.Context(), Request{Caller: identity.Caller{Principal: c.as("alice").who, Region: "eu-west-2"}, Operation: op, Input: in}); err != nil {
			t.Error(err)
		}
	}
	if do(op); decided != 1 {
		t.Errorf("decided %d times while nothing was changed", decided)
	}
	if do(afterRun(op, func() { c.user("bob") })); decided != 2+maxConfirmations || changes != maxConfirmations {
		t.Errorf("decided %d times, with %d changes", decided, changes)
	}
}

// A request whose alias moves to another key is carried out on that key.
func TestConfirmFollowsAnAlias(t *testing.T) {
	c := newAccessTest(t)
	first, second := c.key(), c.key()
	withAlias(c, first)
	op, in := c.request("DescribeKey", "alias/old")
	moved := false
	run := op.run
	op.run = func(k *call, in any) (any, error) {
		out, err := run(k, in)
		if !moved {
			moved = true
			c.root().does("UpdateAlias", second)
		}
		return out, err
	}
	out, err := c.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
	if err != nil || *out.(*api.DescribeKeyResponse).KeyMetadata.Arn != second {
		t.Errorf("%v, %v", out, err)
	}
}

// A revocation between the verification of the signature and the gate takes effect.
func TestConfirmBeginsWithTheSignature(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice", with(allowAll))
	op, in := c.request("DescribeKey", c.key())
	r := Request{Caller: identity.Caller{Principal: c.as("alice").who, Region: "eu-west-2"}, Operation: op, Input: in, Revision: c.StoreRevision()}
	if _, err := c.Do(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	c.setKey("AKIAALICE", true)
	_, err := c.Do(t.Context(), r)
	c.wantRefusal(err, key.KindUnrecognizedClient, "security token")
}

// The event of a change reports the result of the last decision, once.
func TestTheEventIsOfTheLastDecision(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	log, err := audit.Open(path, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := accessTest{people{t, openLike(t, func(o *Config) { o.Backend, o.Audit = interrupted{o.Backend}, log })}}
	c.alice()
	on := c.key()
	i := &interruption{at: 1, fn: func() { c.policy(on, c.document(true, "deny alice kms:*")) }}
	c.wantRefusal(c.as("alice").interruptedBy(i, "TagResource", on), key.KindAccessDenied, "kms:TagResource")
	c.policy(on, key.DefaultPolicy(homeAccount))
	i = &interruption{at: 1, fn: func() { c.user("alice") }}
	c.wantRefusal(c.as("alice").interruptedBy(i, "CreateKey", ""), key.KindAccessDenied, "kms:CreateKey")
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(readAll(t, path)) {
		var e struct {
			EventName, ErrorCode string
			Resources            []struct{ ARN string }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		about := ""
		for _, r := range e.Resources {
			about += strings.ReplaceAll(r.ARN, on, " on the key")
		}
		got = append(got, e.EventName+" "+e.ErrorCode+about)
	}
	want := []string{"CreateKey  on the key", "TagResource AccessDeniedException on the key", "CreateKey AccessDeniedException"}
	if !slices.Equal(got, want) {
		t.Errorf("events %q\nwant   %q", got, want)
	}
}
