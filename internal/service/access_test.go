package service

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// An accessTest is a deployment with people in two accounts, "home" and "other", and functions for tests
// of permissions:
//
//	c.user("alice", with(c.identity("allow kms:Decrypt")))
//	c.as("alice").may("Decrypt", c.key("allow home kms:*"))
//
// A policy is a list of lines: allow or deny, the principal in a key policy, actions, "on"
// resources, and "if" conditions. A condition is an operator, a condition key and its values.
type accessTest struct{ people }

func newAccessTest(t *testing.T) accessTest {
	s := openForTest(t)
	s.devAccount = homeAccount // its root administers identities
	return accessTest{people{t, s}}
}

// in returns the accessTest for a subtest.
func (c accessTest) in(t *testing.T) accessTest { return accessTest{people{t, c.Service}} }

// who returns the ARN of a name in a policy: "home" and "other" are accounts, "role/x" and
// "user/x" belong to home, and a bare name is a user of home.
func who(name string) string {
	switch name {
	case "home":
		return identity.Root(homeAccount).ARN
	case "other":
		return identity.Root(otherAccount).ARN
	case "everybody":
		return "*"
	}
	if outsider, ok := strings.CutPrefix(name, "other/"); ok {
		return "arn:aws:iam::" + otherAccount + ":user/" + outsider
	}
	switch {
	case strings.HasPrefix(name, "arn:"):
		return name
	case strings.HasPrefix(name, "role/"):
		return "arn:aws:iam::" + homeAccount + ":" + name
	}
	return "arn:aws:iam::" + homeAccount + ":user/" + name
}

// A statement of a policy, as JSON.
type statement struct {
	Effect    string
	Principal map[string]string              `json:",omitzero"`
	Action    []string                       `json:",omitzero"`
	Resource  []string                       `json:",omitzero"`
	Condition map[string]map[string][]string `json:",omitzero"`
}

// document returns the policy that the lines describe.
func (c accessTest) document(ofKey bool, lines ...string) string {
	c.Helper()
	var statements []statement
	for _, line := range lines {
		statements = append(statements, c.statement(ofKey, strings.Fields(line)))
	}
	text, err := api.Encode(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", statements})
	if err != nil {
		c.Fatal(err)
	}
	return string(text)
}

func (c accessTest) statement(ofKey bool, words []string) statement {
	c.Helper()
	s := statement{Effect: strings.ToUpper(words[0][:1]) + words[0][1:], Resource: []string{"*"}}
	words = words[1:]
	if ofKey {
		s.Principal, words = map[string]string{"AWS": who(words[0])}, words[1:]
	}
	s.Action, words = strings.Split(words[0], ","), words[1:]
	for len(words) > 0 {
		switch {
		case words[0] == "on":
			s.Resource, words = strings.Split(words[1], ","), words[2:]
		case words[0] == "if" && len(words) >= 4:
			if s.Condition == nil {
				s.Condition = map[string]map[string][]string{}
			}
			if s.Condition[words[1]] == nil {
				s.Condition[words[1]] = map[string][]string{}
			}
			s.Condition[words[1]][words[2]], words = strings.Split(words[3], ","), words[4:]
		default:
			c.Fatalf("the policy goes on with %q", words)
		}
	}
	return s
}

// identity returns a policy for users, roles, boundaries and sessions.
func (c accessTest) identity(lines ...string) string { c.Helper(); return c.document(false, lines...) }

// with gives a user or role inline policies.
func with(documents ...string) func(*identity.Entity) {
	return func(e *identity.Entity) {
		for _, d := range documents {
			e.Inline = append(e.Inline, identity.InlinePolicy{Name: "inline", Document: d})
		}
	}
}

// boundary gives a user or role a permissions boundary, and declares the boundary.
func (c accessTest) boundary(lines ...string) func(*identity.Entity) {
	c.Helper()
	arn := c.managedPolicy("boundary", c.identity(lines...))
	return func(e *identity.Entity) { e.Boundary = arn }
}

// tag gives a user or role a tag.
func tag(name, value string) func(*identity.Entity) {
	return func(e *identity.Entity) { e.Tags = append(e.Tags, identity.Tag{Key: name, Value: value}) }
}

// managedPolicy declares a managed policy and returns its ARN.
func (c accessTest) managedPolicy(name, document string) string {
	c.Helper()
	m := identity.ManagedPolicy{Account: homeAccount, Name: name, Path: "/", Document: document}
	c.update(func(tx *store.Tx) error {
		return records.ManagedPolicies.Put(tx, records.NamedPath(homeAccount, name), m)
	})
	return m.ARN()
}

// user declares a user of home or, as "other/NAME", of the other account.
func (c accessTest) user(name string, changes ...func(*identity.Entity)) {
	c.Helper()
	account := homeAccount
	if outsider, ok := strings.CutPrefix(name, "other/"); ok {
		name, account = outsider, otherAccount
	}
	c.people.user(name, func(u *identity.User) {
		u.Account = account
		for _, change := range changes {
			change(&u.Entity)
		}
	})
}

// role declares a role that trusts home, so that principals of home may assume it if their
// policies allow it.
func (c accessTest) role(name string, changes ...func(*identity.Entity)) {
	c.Helper()
	c.people.role(name, trustPolicy(`{"AWS":"`+homeAccount+`"}`, ""), func(r *identity.Role) {
		for _, change := range changes {
			change(&r.Entity)
		}
	})
}

// key makes a key with the key policy that the lines describe.
func (c accessTest) key(lines ...string) string { c.Helper(); return c.keyLike(`{}`, lines...) }

// keyLike is key with other members of CreateKey.
func (c accessTest) keyLike(members string, lines ...string) string {
	c.Helper()
	out := c.root().does("CreateKey", "", members)
	id := *out.(*api.CreateKeyResponse).KeyMetadata.Arn
	if len(lines) > 0 {
		c.policy(id, c.document(true, lines...))
	}
	return id
}

// policy gives a key a policy without checks.
func (c accessTest) policy(arn, document string) {
	c.Helper()
	c.changeKey(arn, func(k *key.Key) { k.Policy = document })
}

func (c accessTest) changeKey(arn string, change func(*key.Key)) {
	c.Helper()
	ref, err := key.ParseReference(arn, homeAccount, regionOf(arn))
	if err != nil {
		c.Fatal(err)
	}
	c.update(func(tx *store.Tx) error {
		path := records.KeyPath(ref.Account, ref.Region, ref.KeyID)
		before, _, err := records.WholeKeys.Get(tx, path)
		k := before
		change(&k)
		_, failed := records.PutWhole(tx, before, k, records.NewestLevel)
		return errors.Join(err, failed)
	})
}

// blob returns a ciphertext under a key, without a check of permissions.
func (c accessTest) blob(arn string, members ...string) string {
	c.Helper()
	var was string
	c.changeKey(arn, func(k *key.Key) { was, k.Policy = k.Policy, key.DefaultPolicy(homeAccount) })
	out := c.root().does("Encrypt", arn, members...)
	c.policy(arn, was)
	return base64.StdEncoding.EncodeToString(out.(*api.EncryptResponse).CiphertextBlob)
}

// An actor makes requests.
type actor struct {
	accessTest
	who    identity.Principal
	change func(*Request)
}

func (c accessTest) root() actor { return actor{accessTest: c, who: identity.Root(homeAccount)} }

// as returns the principal with the name that policies use.
func (c accessTest) as(name string) actor {
	c.Helper()
	switch name {
	case "home":
		return c.root()
	case "other":
		return actor{accessTest: c, who: identity.Root(otherAccount)}
	}
	if role, ok := strings.CutPrefix(name, "role/"); ok {
		return c.session(role, nil)
	}
	return actor{accessTest: c, who: c.people.as(strings.TrimPrefix(name, "other/"))}
}

// session returns a session of a role.
func (c accessTest) session(role string, change func(*identity.Session)) actor {
	c.Helper()
	r, ok, err := records.Roles.Latest(c.Context(), c.store, records.NamedPath(homeAccount, role), nil)
	if err != nil || !ok {
		c.Fatalf("no role %s: %v", role, err)
	}
	s := &identity.Session{Account: homeAccount, Role: role, RoleID: r.ID, Name: "build-7", Issued: c.clock.Now(), Expires: c.clock.Now().Add(3600e9)}
	if change != nil {
		change(s)
	}
	return actor{accessTest: c, who: r.Principal(s)}
}

// sessionPolicy gives a session a session policy.
func sessionPolicy(document string) func(*identity.Session) {
	return func(s *identity.Session) { s.Policies = append(s.Policies, document) }
}

// with returns the actor with requests that are changed before they are sent.
func (a actor) with(change func(*Request)) actor { a.change = change; return a }

// requests are the minimal requests of the operations on a key. KEY stands for a key.
const requests = `
CancelKeyDeletion                   {"KeyId":"KEY"}
CreateAlias                         {"AliasName":"alias/new","TargetKeyId":"KEY"}
CreateGrant                         {"KeyId":"KEY","GranteePrincipal":"arn:aws:iam::111122223333:root","Operations":["Decrypt"]}
CreateKey                           {}
Decapsulate                         {"KeyId":"KEY","EncapsulationAlgorithm":"ML_KEM","SharedSecretCiphertextBlob":"BLOB"}
Decrypt                             {"CiphertextBlob":"BLOB"}
DeleteAlias                         {"AliasName":"alias/old"}
DeleteImportedKeyMaterial           {"KeyId":"KEY"}
DeriveSharedSecret                  {"KeyId":"KEY","KeyAgreementAlgorithm":"ECDH","PublicKey":"BLOB"}
DescribeKey                         {"KeyId":"KEY"}
DisableKey                          {"KeyId":"KEY"}
DisableKeyRotation                  {"KeyId":"KEY"}
EnableKey                           {"KeyId":"KEY"}
EnableKeyRotation                   {"KeyId":"KEY"}
Encapsulate                         {"KeyId":"KEY","EncapsulationAlgorithm":"ML_KEM"}
Encrypt                             {"KeyId":"KEY","Plaintext":"aGVsbG8="}
GenerateDataKey                     {"KeyId":"KEY","KeySpec":"AES_256"}
GenerateDataKeyPair                 {"KeyId":"KEY","KeyPairSpec":"ECC_NIST_P256"}
GenerateDataKeyPairWithoutPlaintext {"KeyId":"KEY","KeyPairSpec":"ECC_NIST_P256"}
GenerateDataKeyWithoutPlaintext     {"KeyId":"KEY","KeySpec":"AES_256"}
GenerateMac                         {"KeyId":"KEY","Message":"aGVsbG8=","MacAlgorithm":"HMAC_SHA_256"}
GenerateRandom                      {"NumberOfBytes":16}
GetKeyLastUsage                     {"KeyId":"KEY"}
GetKeyPolicy                        {"KeyId":"KEY"}
GetKeyRotationStatus                {"KeyId":"KEY"}
GetParametersForImport              {"KeyId":"KEY","WrappingAlgorithm":"RSAES_OAEP_SHA_256","WrappingKeySpec":"RSA_2048"}
GetPublicKey                        {"KeyId":"KEY"}
ImportKeyMaterial                   {"KeyId":"KEY","ImportToken":"BLOB","EncryptedKeyMaterial":"BLOB","ExpirationModel":"KEY_MATERIAL_DOES_NOT_EXPIRE"}
ListAliases                         {}
ListGrants                          {"KeyId":"KEY"}
ListKeyPolicies                     {"KeyId":"KEY"}
ListKeyRotations                    {"KeyId":"KEY"}
ListKeys                            {}
ListResourceTags                    {"KeyId":"KEY"}
ListRetirableGrants                 {"RetiringPrincipal":"arn:aws:iam::111122223333:root"}
PutKeyPolicy                        {"KeyId":"KEY","Policy":"{\"Statement\":[]}","BypassPolicyLockoutSafetyCheck":true}
ReEncrypt                           {"CiphertextBlob":"BLOB","DestinationKeyId":"KEY"}
ReplicateKey                        {"KeyId":"KEY","ReplicaRegion":"eu-west-1"}
RevokeGrant                         {"KeyId":"KEY","GrantId":"9665f33deb53dae5c4cf44ae98561b5fe291cfbb2ba15defec5905e3924e854b"}
RotateKeyOnDemand                   {"KeyId":"KEY"}
ScheduleKeyDeletion                 {"KeyId":"KEY"}
Sign                                {"KeyId":"KEY","Message":"aGVsbG8=","SigningAlgorithm":"ECDSA_SHA_256"}
TagResource                         {"KeyId":"KEY","Tags":[{"TagKey":"k","TagValue":"v"}]}
UntagResource                       {"KeyId":"KEY","TagKeys":["k"]}
UpdateAlias                         {"AliasName":"alias/old","TargetKeyId":"KEY"}
UpdateKeyDescription                {"KeyId":"KEY","Description":"d"}
UpdatePrimaryRegion                 {"KeyId":"KEY","PrimaryRegion":"eu-west-1"}
Verify                              {"KeyId":"KEY","Message":"aGVsbG8=","Signature":"BLOB","SigningAlgorithm":"ECDSA_SHA_256"}
VerifyMac                           {"KeyId":"KEY","Message":"aGVsbG8=","Mac":"BLOB","MacAlgorithm":"HMAC_SHA_256"}
RecreateKey                         {"AccountId":"111122223333","KeyId":"1234abcd-12ab-34cd-56ef-1234567890ab"}
`

// request returns the request of an operation about a key. The members of the JSON objects
// replace its own.
func (c accessTest) request(operation, on string, members ...string) (Operation, any) {
	c.Helper()
	op, ok := c.Find(operation)
	if !ok {
		c.Fatal("no operation ", operation)
	}
	all := map[string]json.RawMessage{}
	for line := range strings.Lines(requests) {
		if name, text, _ := strings.Cut(strings.TrimSpace(line), " "); name == operation {
			members = append([]string{strings.ReplaceAll(strings.ReplaceAll(text, `"KEY"`, `"`+on+`"`), `"BLOB"`, `"QkxPQg=="`)}, members...)
		}
	}
	for _, text := range members {
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			c.Fatal(text, err)
		}
	}
	text, err := json.Marshal(all)
	in := op.NewInput()
	if err == nil {
		err = api.Decode(text, in)
	}
	if err == nil && op.shape.Validate(in) != "" {
		err = errors.New(op.shape.Validate(in))
	}
	if err == nil {
		err = op.check(in, c.clock.Now())
	}
	if err != nil {
		c.Fatal(operation, string(text), err)
	}
	return op, in
}

func (a actor) try(operation, on string, members ...string) (any, error) {
	a.Helper()
	op, in := a.request(operation, on, members...)
	r := Request{Caller: identity.Caller{Principal: a.who, Region: "eu-west-2"}, SourceIP: "192.0.2.1", UserAgent: "test/1.0", Secure: true, Operation: op, Input: in}
	if a.change != nil {
		a.change(&r)
	}
	return a.Do(a.Context(), r)
}

// does lets the actor carry out an operation, which must succeed.
func (a actor) does(operation, on string, members ...string) any {
	a.Helper()
	out, err := a.try(operation, on, members...)
	if err != nil {
		a.Fatalf("%s by %s: %v", operation, a.who.ARN, err)
	}
	return out
}

// may checks that the actor is allowed to carry out an operation. Refusals after the decision
// count as allowed.
func (a actor) may(operation, on string, members ...string) {
	a.Helper()
	_, err := a.try(operation, on, members...)
	if e, ok := errors.AsType[*key.Error](err); err != nil && (!ok || beforeDecision[e.Kind]) {
		a.Errorf("%s may not %s: %v", a.who.ARN, operation, err)
	}
}

// beforeDecision are the refusals that do not show whether the actor is allowed.
var beforeDecision = map[key.Kind]bool{
	key.KindAccessDenied: true, key.KindNotFound: true, key.KindUnrecognizedClient: true, key.KindInvalidGrantToken: true, key.KindInvalidArn: true, key.KindSerialization: true,
}

// mayNot checks that the actor is refused because of missing permissions.
func (a actor) mayNot(operation, on string, members ...string) {
	a.Helper()
	_, err := a.try(operation, on, members...)
	if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindAccessDenied {
		a.Errorf("%s may %s: %v", a.who.ARN, operation, err)
	}
}

// is checks whether the actor is allowed to carry out an operation.
func (a actor) is(allowed bool, operation, on string, members ...string) {
	a.Helper()
	if allowed {
		a.may(operation, on, members...)
	} else {
		a.mayNot(operation, on, members...)
	}
}

// refusal returns the error that the actor receives.
func (a actor) refusal(operation, on string, members ...string) (kind key.Kind, message string) {
	a.Helper()
	_, err := a.try(operation, on, members...)
	e, ok := errors.AsType[*key.Error](err)
	if !ok {
		a.Fatalf("%s by %s: %v", operation, a.who.ARN, err)
	}
	return e.Kind, e.Message
}

// grants lets the actor create a grant, and returns the ID and the token of the grant.
func (a actor) grants(on, grantee, operations string, members ...string) (id, token string) {
	a.Helper()
	members = append([]string{`{"GranteePrincipal":"` + who(grantee) + `","Operations":["` + strings.ReplaceAll(operations, ",", `","`) + `"]}`}, members...)
	out := a.does("CreateGrant", on, members...).(*api.CreateGrantResponse)
	return *out.GrantId, *out.GrantToken
}

// assumes lets the actor assume a role, and returns the session as an actor.
func (a actor) assumes(role string, change func(*sts.AssumeRoleRequest)) actor {
	a.Helper()
	out, err := a.assume(a.who, role, change)
	if err != nil {
		a.Fatal(err)
	}
	k, _ := a.people.session(out.Credentials)
	a.who = k.Principal
	return a
}

// withGrantToken returns the member of a request that has a grant token.
func withGrantToken(token string) string { return `{"GrantTokens":["` + token + `"]}` }

// ciphertext returns the member of a request for a ciphertext.
func ciphertext(blob string) string { return `{"CiphertextBlob":"` + blob + `"}` }

// inContext returns the member of a request for an encryption context in JSON.
func inContext(pairs string) string { return `{"EncryptionContext":` + pairs + `}` }

// idOf returns the ID in the ARN of a key.
func idOf(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// regionOf returns the Region in the ARN of a key.
func regionOf(arn string) string { return strings.Split(arn, ":")[3] }
