package service_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
)

// A clusterRequest is the input of one operation in a history.
type clusterRequest struct {
	operation string
	on        string // the ID of the request that made what this one uses, or another argument
	id        string
}

// A clusterObject is what one history is about. All nodes serve requests for it. Its state is comparable.
type clusterObject interface {
	// prepare makes the object and returns its first state.
	prepare(t *testing.T, n *clusterNode, name string) (state any)
	// operations are the names of its operations, with the ones that only look at the object last. An operation that
	// is there twice is sent twice as often.
	operations() string
	// choose returns what an operation is about.
	choose(operation string, random func(int) int) (on string)
	// send sends a request.
	send(n *clusterNode, r clusterRequest) (any, error)
	// after returns the answer of a request in a state, and the state after it.
	after(state any, r clusterRequest) (answer string, next any)
}

const (
	clusterAccount = "111122223333"
	mayUseKeys     = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["kms:Encrypt","kms:Decrypt","sts:AssumeRole"],"Resource":"*"}}`
	mayNotUseKeys  = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":["kms:Encrypt","kms:Decrypt"],"Resource":"*"}}`
	anybodyAssumes = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}}`
)

// answerGone is the answer to a caller whose credentials are not good any more.
const answerGone = "gone"

// errNoCaller means that a node did not find the credentials of a request.
var errNoCaller = key.Errorf(key.KindUnrecognizedClient, "no such credentials")

// send sends a request of a principal.
func (n *clusterNode) send(id string, p identity.Principal, revision int64, operation string, in any) (any, error) {
	op, ok := n.Find(operation)
	if !ok {
		return nil, errors.New("no operation " + operation)
	}
	return n.Do(context.Background(), service.Request{
		ID: id, Caller: identity.Caller{Principal: p, Region: "eu-west-2"}, SourceIP: "192.0.2.1", Operation: op, Input: in, Revision: revision,
	})
}

// byKey sends a request that is signed with an access key.
func (n *clusterNode) byKey(id, accessKey, operation string, in any) (any, error) {
	revision := n.StoreRevision()
	k, ok, err := n.AccessKey(context.Background(), accessKey)
	if err != nil || !ok {
		return nil, cmp.Or(err, error(errNoCaller))
	}
	return n.send(id, k.Principal, revision, operation, in)
}

// bySession sends a request that is signed with temporary credentials.
func (n *clusterNode) bySession(id, token, operation string, in any) (any, error) {
	revision := n.StoreRevision()
	k, ok, err := n.Session(context.Background(), token)
	if err != nil || !ok || k.Expired {
		return nil, cmp.Or(err, error(errNoCaller))
	}
	return n.send(id, k.Principal, revision, operation, in)
}

// newKey creates a key and returns its ID.
func newKey(t *testing.T, n *clusterNode, origin string) string {
	t.Helper()
	out := must[any](t)(n.do("", "CreateKey", &api.CreateKeyRequest{Origin: &origin}))
	return *out.(*api.CreateKeyResponse).KeyMetadata.KeyId
}

// putUser declares a user that may use keys, unless denied, and returns the ID of its first access key if it is new.
func putUser(n *clusterNode, id, name, document string, more ...string) (accessKey string, err error) {
	in := &api.PutUserRequest{Name: &name, AccessKeys: new(int32(1)), Policies: inline(append(more, document)...)}
	out, err := n.do(id, "PutUser", in)
	if err != nil {
		return "", err
	}
	if made := out.(*api.PutIdentityResponse).NewAccessKeys; len(made) > 0 {
		accessKey = *made[0].AccessKeyId
	}
	return accessKey, nil
}

func inline(documents ...string) (all []api.InlinePolicy) {
	for i, d := range documents {
		all = append(all, api.InlinePolicy{Name: new(fmt.Sprint("p", i)), Document: &d})
	}
	return all
}

// A made remembers what requests have made, by the ID of the request.
type made struct {
	mu   sync.Mutex
	ids  []string
	what map[string]string
}

func (m *made) add(request, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.what == nil {
		m.what = map[string]string{}
	}
	m.ids, m.what[request] = append(m.ids, request), what
}

// any returns a request that has made something, more often one of the last, or "".
func (m *made) any(random func(int) int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ids) == 0 {
		return ""
	}
	return m.ids[max(0, len(m.ids)-1-random(3))]
}

func (m *made) of(request string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.what[request]
}

// A set is a sorted set of words in a comparable form.
type set string

func (s set) with(word string) set {
	words := append(strings.Fields(string(s)), word)
	slices.Sort(words)
	return set(strings.Join(slices.Compact(words), " "))
}

func (s set) without(word string) set {
	return set(strings.Join(slices.DeleteFunc(strings.Fields(string(s)), func(w string) bool { return w == word }), " "))
}

func (s set) has(word string) bool { return slices.Contains(strings.Fields(string(s)), word) }

// clusterAnswer returns the answer to a request in the words of the models.
func clusterAnswer(out any, err error) string {
	refused, isRefused := errors.AsType[*key.Error](err)
	switch {
	case errors.Is(err, store.ErrUnknown), errors.Is(err, service.ErrMade):
		return answerUnknown
	case isRefused:
		switch refused.Kind {
		case key.KindUnrecognizedClient, key.KindExpiredToken:
			return answerGone
		case key.KindDisabled, key.KindInvalidState, key.KindAccessDenied, key.KindNotFound, key.KindAlreadyExists:
			return string(refused.Kind)
		}
		return answerNotMade
	case err != nil:
		return answerNotMade
	}
	switch out := out.(type) {
	case *api.DescribeKeyResponse:
		return *out.KeyMetadata.KeyState
	case *api.ListKeyRotationsResponse:
		return fmt.Sprint(len(out.Rotations))
	case *api.ListGrantsResponse:
		return fmt.Sprint(len(out.Grants))
	}
	return answerMade
}

// A policedKey is a key with a user, whom the policy of the key denies its use or not.
type policedKey struct{ id, user, accessKey string }

type policedState struct {
	disabled, denied bool
	rotations        int
}

func (k *policedKey) prepare(t *testing.T, n *clusterNode, name string) any {
	k.id, k.user = newKey(t, n, "AWS_KMS"), name
	k.accessKey = must[string](t)(putUser(n, "", name, mayUseKeys))
	return policedState{}
}

func (k *policedKey) operations() string {
	return "DisableKey EnableKey Deny Allow Encrypt Encrypt Encrypt RotateKeyOnDemand DescribeKey ListKeyRotations"
}

func (k *policedKey) choose(string, func(int) int) string { return "" }

// policy returns a key policy that denies the user the use of the key.
func (k *policedKey) policy() string {
	deny := fmt.Sprintf(`{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::%s:user/%s"},"Action":"kms:Encrypt","Resource":"*"}`, clusterAccount, k.user)
	return strings.Replace(key.DefaultPolicy(clusterAccount), `"Statement" : [`, `"Statement" : [ `+deny+`,`, 1)
}

func (k *policedKey) send(n *clusterNode, r clusterRequest) (any, error) {
	switch r.operation {
	case "Encrypt":
		return n.byKey(r.id, k.accessKey, "Encrypt", &api.EncryptRequest{KeyId: &k.id, Plaintext: []byte("x")})
	case "Deny":
		return n.do(r.id, "PutKeyPolicy", &api.PutKeyPolicyRequest{KeyId: &k.id, Policy: new(k.policy())})
	case "Allow":
		return n.do(r.id, "PutKeyPolicy", &api.PutKeyPolicyRequest{KeyId: &k.id, Policy: new(key.DefaultPolicy(clusterAccount))})
	}
	return n.do(r.id, r.operation, (&clusterKey{id: k.id}).input(r.operation, nil))
}

func (k *policedKey) after(state any, r clusterRequest) (string, any) {
	m := state.(policedState)
	switch {
	case r.operation == "DescribeKey" && m.disabled:
		return "Disabled", m
	case r.operation == "DescribeKey":
		return "Enabled", m
	case r.operation == "ListKeyRotations":
		return fmt.Sprint(m.rotations), m
	case r.operation == "Deny":
		m.denied = true
	case r.operation == "Allow":
		m.denied = false
	case r.operation == "DisableKey":
		m.disabled = true
	case r.operation == "EnableKey":
		m.disabled = false
	case r.operation == "Encrypt" && m.denied:
		return "AccessDeniedException", m
	case m.disabled: // Encrypt, RotateKeyOnDemand
		return "DisabledException", m
	case r.operation == "RotateKeyOnDemand":
		m.rotations++
	}
	return answerMade, m
}

// A person is a user with an access key and policies.
type person struct{ key, name, accessKey string }

type personState struct{ keyOff, off, denied, managedDenied bool }

func (p *person) prepare(t *testing.T, n *clusterNode, name string) any {
	p.key, p.name = newKey(t, n, "AWS_KMS"), name
	must[any](t)(n.do("", "PutPolicy", &api.PutPolicyRequest{Name: &name, Document: new(mayUseKeys)}))
	in := p.declaration(mayUseKeys)
	out := must[any](t)(n.do("", "PutUser", in)).(*api.PutIdentityResponse)
	p.accessKey = *out.NewAccessKeys[0].AccessKeyId
	return personState{}
}

func (p *person) declaration(documents ...string) *api.PutUserRequest {
	return &api.PutUserRequest{
		Name: &p.name, AccessKeys: new(int32(1)), Policies: inline(documents...), ManagedPolicies: []string{p.name},
	}
}

func (p *person) operations() string {
	return "KeyOff KeyOn Off On Deny Allow DenyAll AllowAll Encrypt Encrypt Encrypt Encrypt Encrypt"
}

func (p *person) choose(string, func(int) int) string { return "" }

func (p *person) send(n *clusterNode, r clusterRequest) (any, error) {
	switch r.operation {
	case "KeyOff", "KeyOn":
		return n.do(r.id, "SetIdentityState", &api.SetIdentityStateRequest{AccessKeyId: &p.accessKey, Enabled: new(r.operation == "KeyOn")})
	case "Off", "On":
		return n.do(r.id, "SetIdentityState", &api.SetIdentityStateRequest{Kind: new("user"), Name: &p.name, Enabled: new(r.operation == "On")})
	case "Deny":
		return n.do(r.id, "PutUser", p.declaration(mayUseKeys, mayNotUseKeys))
	case "Allow":
		return n.do(r.id, "PutUser", p.declaration(mayUseKeys))
	case "DenyAll":
		return n.do(r.id, "PutPolicy", &api.PutPolicyRequest{Name: &p.name, Document: new(mayNotUseKeys)})
	case "AllowAll":
		return n.do(r.id, "PutPolicy", &api.PutPolicyRequest{Name: &p.name, Document: new(mayUseKeys)})
	}
	return n.byKey(r.id, p.accessKey, "Encrypt", &api.EncryptRequest{KeyId: &p.key, Plaintext: []byte("x")})
}

func (p *person) after(state any, r clusterRequest) (string, any) {
	m := state.(personState)
	switch r.operation {
	case "KeyOff", "KeyOn":
		m.keyOff = r.operation == "KeyOff"
	case "Off", "On":
		m.off = r.operation == "Off"
	case "Deny", "Allow":
		m.denied = r.operation == "Deny"
	case "DenyAll", "AllowAll":
		m.managedDenied = r.operation == "DenyAll"
	default:
		switch {
		case m.keyOff || m.off:
			return answerGone, m
		case m.denied || m.managedDenied:
			return "AccessDeniedException", m
		}
	}
	return answerMade, m
}

// A grantedKey is a key that a user may use by grants alone.
type grantedKey struct {
	id, user, accessKey string
	grants              made
}

func (k *grantedKey) prepare(t *testing.T, n *clusterNode, name string) any {
	k.id, k.user = newKey(t, n, "AWS_KMS"), name
	out := must[any](t)(n.do("", "PutUser", &api.PutUserRequest{Name: &name, AccessKeys: new(int32(1))})).(*api.PutIdentityResponse)
	k.accessKey = *out.NewAccessKeys[0].AccessKeyId
	return set("")
}

func (k *grantedKey) operations() string {
	return "CreateGrant CreateGrant RevokeGrant RetireGrant Encrypt Encrypt Encrypt ListGrants"
}

func (k *grantedKey) choose(operation string, random func(int) int) string {
	if operation == "RevokeGrant" || operation == "RetireGrant" {
		return k.grants.any(random)
	}
	return ""
}

func (k *grantedKey) send(n *clusterNode, r clusterRequest) (any, error) {
	grant := cmp.Or(k.grants.of(r.on), strings.Repeat("0", 64))
	switch r.operation {
	case "CreateGrant":
		out, err := n.do(r.id, "CreateGrant", &api.CreateGrantRequest{
			KeyId: &k.id, GranteePrincipal: new("arn:aws:iam::" + clusterAccount + ":user/" + k.user), Operations: []string{"Encrypt"},
		})
		if err == nil {
			k.grants.add(r.id, *out.(*api.CreateGrantResponse).GrantId)
		}
		return out, err
	case "RevokeGrant":
		return n.do(r.id, "RevokeGrant", &api.RevokeGrantRequest{KeyId: &k.id, GrantId: &grant})
	case "RetireGrant":
		return n.do(r.id, "RetireGrant", &api.RetireGrantRequest{KeyId: new(k.arn()), GrantId: &grant})
	case "ListGrants":
		return n.do(r.id, "ListGrants", &api.ListGrantsRequest{KeyId: &k.id})
	}
	return n.byKey(r.id, k.accessKey, "Encrypt", &api.EncryptRequest{KeyId: new(k.arn()), Plaintext: []byte("x")})
}

func (k *grantedKey) arn() string { return "arn:aws:kms:eu-west-2:" + clusterAccount + ":key/" + k.id }

func (k *grantedKey) after(state any, r clusterRequest) (string, any) {
	m := state.(set)
	switch r.operation {
	case "CreateGrant":
		return answerMade, m.with(r.id)
	case "RevokeGrant", "RetireGrant":
		if !m.has(r.on) {
			return "NotFoundException", m
		}
		return answerMade, m.without(r.on)
	case "ListGrants":
		return fmt.Sprint(len(strings.Fields(string(m)))), m
	}
	if m == "" {
		return "AccessDeniedException", m
	}
	return answerMade, m
}

// A stage is a role whose sessions use a key.
type stage struct {
	key, role, accessKey string
	sessions             made
}

type stageState struct {
	sessions    set
	off, denied bool
}

func (g *stage) prepare(t *testing.T, n *clusterNode, name string) any {
	g.key, g.role = newKey(t, n, "AWS_KMS"), name
	g.accessKey = must[string](t)(putUser(n, "", name, mayUseKeys))
	must[any](t)(n.do("", "PutRole", g.declaration(mayUseKeys)))
	return stageState{}
}

func (g *stage) declaration(documents ...string) *api.PutRoleRequest {
	return &api.PutRoleRequest{Name: &g.role, Trust: new(anybodyAssumes), Policies: inline(documents...)}
}

func (g *stage) operations() string {
	return "AssumeRole AssumeRole RevokeSessions Off On Deny Allow Encrypt Encrypt Encrypt Encrypt Encrypt"
}

func (g *stage) choose(operation string, random func(int) int) string {
	if operation == "Encrypt" {
		return g.sessions.any(random)
	}
	return ""
}

func (g *stage) send(n *clusterNode, r clusterRequest) (any, error) {
	switch r.operation {
	case "AssumeRole":
		out, err := n.byKey(r.id, g.accessKey, "AssumeRole", &sts.AssumeRoleRequest{
			RoleArn: new("arn:aws:iam::" + clusterAccount + ":role/" + g.role), RoleSessionName: new("chaos"),
		})
		if err == nil {
			g.sessions.add(r.id, *out.(*sts.AssumeRoleResponse).Credentials.SessionToken)
		}
		return out, err
	case "RevokeSessions":
		return n.do(r.id, "RevokeSessions", &api.IdentityRequest{Kind: new("role"), Name: &g.role})
	case "Off", "On":
		return n.do(r.id, "SetIdentityState", &api.SetIdentityStateRequest{Kind: new("role"), Name: &g.role, Enabled: new(r.operation == "On")})
	case "Deny":
		return n.do(r.id, "PutRole", g.declaration(mayUseKeys, mayNotUseKeys))
	case "Allow":
		return n.do(r.id, "PutRole", g.declaration(mayUseKeys))
	}
	if r.on == "" {
		return nil, errNoCaller
	}
	return n.bySession(r.id, g.sessions.of(r.on), "Encrypt", &api.EncryptRequest{KeyId: &g.key, Plaintext: []byte("x")})
}

func (g *stage) after(state any, r clusterRequest) (string, any) {
	m := state.(stageState)
	switch r.operation {
	case "AssumeRole":
		if m.off {
			return "AccessDeniedException", m
		}
		m.sessions = m.sessions.with(r.id)
	case "RevokeSessions":
		m.sessions = ""
	case "Off", "On":
		m.off = r.operation == "Off"
	case "Deny", "Allow":
		m.denied = r.operation == "Deny"
	default:
		switch {
		case m.off || !m.sessions.has(r.on):
			return answerGone, m
		case m.denied:
			return "AccessDeniedException", m
		}
	}
	return answerMade, m
}

// A movedAlias is an alias that is moved between two keys.
type movedAlias struct {
	name string
	keys [2]string
}

func (a *movedAlias) prepare(t *testing.T, n *clusterNode, name string) any {
	a.name = "alias/" + name
	a.keys = [2]string{newKey(t, n, "AWS_KMS"), newKey(t, n, "AWS_KMS")}
	return ""
}

func (a *movedAlias) operations() string {
	return "CreateAlias CreateAlias UpdateAlias UpdateAlias UpdateAlias DeleteAlias Encrypt Encrypt Encrypt DescribeKey"
}

func (a *movedAlias) choose(operation string, random func(int) int) string {
	if operation == "CreateAlias" || operation == "UpdateAlias" {
		return a.keys[random(2)]
	}
	return ""
}

func (a *movedAlias) send(n *clusterNode, r clusterRequest) (any, error) {
	switch r.operation {
	case "CreateAlias":
		return n.do(r.id, "CreateAlias", &api.CreateAliasRequest{AliasName: &a.name, TargetKeyId: &r.on})
	case "UpdateAlias":
		return n.do(r.id, "UpdateAlias", &api.UpdateAliasRequest{AliasName: &a.name, TargetKeyId: &r.on})
	case "DeleteAlias":
		return n.do(r.id, "DeleteAlias", &api.DeleteAliasRequest{AliasName: &a.name})
	case "DescribeKey":
		return n.do(r.id, "DescribeKey", &api.DescribeKeyRequest{KeyId: &a.name})
	}
	return n.do(r.id, "Encrypt", &api.EncryptRequest{KeyId: &a.name, Plaintext: []byte("x")})
}

// keyOf returns the ID of the key that a response names.
func keyOf(out any) (id string, ok bool) {
	switch out := out.(type) {
	case *api.DescribeKeyResponse:
		return *out.KeyMetadata.KeyId, true
	case *api.EncryptResponse:
		return (*out.KeyId)[strings.LastIndex(*out.KeyId, "/")+1:], true
	}
	return "", false
}

func (a *movedAlias) after(state any, r clusterRequest) (string, any) {
	to := state.(string)
	switch {
	case r.operation == "CreateAlias" && to != "":
		return "AlreadyExistsException", to
	case r.operation == "CreateAlias":
		return answerMade, r.on
	case to == "":
		return "NotFoundException", to
	case r.operation == "UpdateAlias":
		return answerMade, r.on
	case r.operation == "DeleteAlias":
		return answerMade, ""
	}
	return to, to // the requests that use the alias answer with the key
}

// A reimportedKey has material that is deleted and imported again.
type reimportedKey struct {
	id, accessKey string
	blob          []byte
}

func (k *reimportedKey) prepare(t *testing.T, n *clusterNode, name string) any {
	k.id = newKey(t, n, "EXTERNAL")
	k.accessKey = must[string](t)(putUser(n, "", name, mayUseKeys))
	must[any](t)(n.do("", "ImportKeyMaterial", must[*api.ImportKeyMaterialRequest](t)(n.importRequest("", k.id))))
	k.blob = must[any](t)(n.do("", "Encrypt", &api.EncryptRequest{KeyId: &k.id, Plaintext: []byte("x")})).(*api.EncryptResponse).CiphertextBlob
	return true
}

func (k *reimportedKey) operations() string {
	return "ImportKeyMaterial DeleteImportedKeyMaterial Decrypt Decrypt Encrypt Encrypt DescribeKey"
}

func (k *reimportedKey) choose(string, func(int) int) string { return "" }

func (k *reimportedKey) send(n *clusterNode, r clusterRequest) (any, error) {
	switch r.operation {
	case "Decrypt":
		return n.byKey(r.id, k.accessKey, "Decrypt", &api.DecryptRequest{CiphertextBlob: k.blob})
	case "Encrypt":
		return n.byKey(r.id, k.accessKey, "Encrypt", &api.EncryptRequest{KeyId: &k.id, Plaintext: []byte("x")})
	case "ImportKeyMaterial":
		in, err := n.importRequest(r.id+"-parameters", k.id)
		if err != nil {
			return nil, errors.New("no parameters") // and so no change
		}
		return n.do(r.id, "ImportKeyMaterial", in)
	}
	return n.do(r.id, r.operation, (&clusterKey{id: k.id}).input(r.operation, nil))
}

func (k *reimportedKey) after(state any, r clusterRequest) (string, any) {
	there := state.(bool)
	switch {
	case r.operation == "DescribeKey" && there:
		return "Enabled", there
	case r.operation == "DescribeKey":
		return "PendingImport", there
	case r.operation == "ImportKeyMaterial":
		return answerMade, true
	case r.operation == "DeleteImportedKeyMaterial":
		return answerMade, false
	case !there:
		return "KMSInvalidStateException", there
	}
	return answerMade, there
}
