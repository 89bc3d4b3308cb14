package main

import (
	"context"
	"fmt"
	mathrand "math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/aws/aws-sdk-go-v2/aws"
)

// faultAccount is the default account of keyhold init.
const faultAccount = "000000000000"

// A permission is the state of the model: the permission of one user on one key.
type permission struct {
	policy   string // the effect of the key policy for the user: allow, silent or deny
	grant    string // the ID of the grant to the user, "" without a grant, unknownGrant if its creation got no response
	disabled bool   // the user is disabled
}

const unknownGrant = "unknown"

// after is the model: the answer of an operation, and the permission afterwards. The answer to a new
// grant is its ID.
func (p permission) after(op faultOp, answered string) (answer string, _ permission) {
	const denied, unknownUser = "AccessDeniedException", "UnrecognizedClientException"
	byUser := strings.HasPrefix(op.name, "user ")
	switch {
	case op.name == "PutKeyPolicy":
		p.policy = op.alias
	case op.name == "SetIdentityState":
		p.disabled = op.alias == "off"
	case op.name == "CreateGrant":
		if p.grant == "" || p.grant == unknownGrant {
			p.grant = answered
		}
		return p.grant, p
	case op.name == "RevokeGrant" && p.grant != op.alias:
		return "NotFoundException", p
	case op.name == "RevokeGrant":
		p.grant = ""
	case byUser && p.disabled:
		return unknownUser, p
	case op.name == "user PutKeyPolicy" && p.policy == "allow":
		p.policy = op.alias
	case op.name == "user Encrypt" && (p.policy == "allow" || p.policy == "silent" && p.grant != ""):
	case byUser:
		return denied, p
	}
	return answerOK, p
}

// permissionModel is the model of one permission for the checker.
func permissionModel(initial permission) porcupine.Model {
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{initial} },
		Step: func(state, input, output any) []any {
			p, op := state.(permission), input.(faultOp)
			answered := output.(string)
			switch answered {
			case answerUnknown:
				_, next := p.after(op, unknownGrant)
				return []any{p, next}
			case answerThrottle:
				return []any{p}
			}
			if answer, next := p.after(op, answered); answer == answered {
				return []any{next}
			}
			return nil
		},
	}
	return model.ToModel()
}

func permissionHolds(initial permission, history []porcupine.Operation) bool {
	return porcupine.CheckOperationsTimeout(permissionModel(initial), history, time.Minute) == porcupine.Ok
}

// TestPermissionModel shows sound and unsound histories to the checker.
func TestPermissionModel(t *testing.T) {
	op := func(call, end int64, name, detail, answer string) porcupine.Operation {
		return porcupine.Operation{Input: faultOp{name, detail}, Output: answer, Call: call, Return: end}
	}
	const denied = "AccessDeniedException"
	allowed := permission{policy: "allow"}
	for _, c := range []struct {
		name    string
		sound   bool
		history []porcupine.Operation
	}{
		{"allowed", true, []porcupine.Operation{op(1, 2, "user Encrypt", "", answerOK)}},
		{"used after a revocation", false, []porcupine.Operation{op(1, 2, "PutKeyPolicy", "deny", answerOK), op(3, 4, "user Encrypt", "", answerOK)}},
		{"used while it is revoked", true, []porcupine.Operation{op(1, 4, "PutKeyPolicy", "deny", answerOK), op(2, 3, "user Encrypt", "", answerOK)}},
		{"a revocation undone by a change in flight", false, []porcupine.Operation{
			op(1, 8, "user PutKeyPolicy", "allow", answerOK), op(2, 3, "PutKeyPolicy", "deny", answerOK), op(9, 10, "user Encrypt", "", answerOK)}},
		{"a change before the revocation, answered late", true, []porcupine.Operation{
			op(1, 8, "user PutKeyPolicy", "allow", answerOK), op(2, 3, "PutKeyPolicy", "deny", answerOK), op(9, 10, "user Encrypt", "", denied)}},
		{"used by a disabled user", false, []porcupine.Operation{op(1, 2, "SetIdentityState", "off", answerOK), op(3, 4, "user Encrypt", "", answerOK)}},
		{"by a grant", true, []porcupine.Operation{op(1, 2, "PutKeyPolicy", "silent", answerOK), op(3, 4, "CreateGrant", "", "g1"), op(5, 6, "user Encrypt", "", answerOK)}},
		{"by a grant that was revoked", false, []porcupine.Operation{
			op(1, 2, "PutKeyPolicy", "silent", answerOK), op(3, 4, "CreateGrant", "", "g1"), op(5, 6, "RevokeGrant", "g1", answerOK), op(7, 8, "user Encrypt", "", answerOK)}},
		{"two grants of one request", false, []porcupine.Operation{op(1, 2, "CreateGrant", "", "g1"), op(3, 4, "CreateGrant", "", "g2")}},
		{"a grant without an answer", true, []porcupine.Operation{
			op(1, 2, "PutKeyPolicy", "silent", answerOK), op(3, 4, "CreateGrant", "", answerUnknown), op(5, 6, "user Encrypt", "", answerOK), op(7, 8, "CreateGrant", "", "g1"), op(9, 10, "RevokeGrant", "g1", answerOK), op(11, 12, "user Encrypt", "", denied)}},
		{"never allowed at one moment", false, []porcupine.Operation{
			op(1, 2, "SetIdentityState", "off", answerOK), op(3, 10, "user Encrypt", "", answerOK), op(4, 5, "PutKeyPolicy", "deny", answerOK), op(6, 7, "SetIdentityState", "on", answerOK)}},
	} {
		if permissionHolds(allowed, c.history) != c.sound {
			t.Errorf("%s: want %v", c.name, c.sound)
		}
	}
}

// A faultUser is a user and a key. Several workers use and change the permission of the user on the
// key.
type faultUser struct {
	name        string
	credentials aws.Credentials
	id          string // of the key
	initial     permission

	mu      sync.Mutex
	history []porcupine.Operation
	grants  []string // IDs in responses
}

// newFaultUser creates a user, and a key that the user may use.
func newFaultUser(ctx context.Context, s *faultServer, name string) (*faultUser, error) {
	u := &faultUser{name: name, initial: permission{policy: "allow"}}
	made, err := s.callAs(ctx, s.credentials, "KeyholdAdmin.PutUser", map[string]any{"Name": name, "AccessKeys": 1})
	if err != nil || made.status != 200 {
		return nil, fmt.Errorf("PutUser: %w, %s", err, made.body)
	}
	keys, _ := made.member("NewAccessKeys").([]any)
	k, _ := keys[0].(map[string]any)
	u.credentials.AccessKeyID, _ = k["AccessKeyId"].(string)
	u.credentials.SecretAccessKey, _ = k["SecretAccessKey"].(string)
	a, err := s.call(ctx, "CreateKey", map[string]any{"Policy": u.policy("allow")})
	if err != nil || a.status != 200 {
		return nil, fmt.Errorf("CreateKey: %w, %s", err, a.body)
	}
	u.id, _ = a.member("KeyMetadata", "KeyId").(string)
	return u, nil
}

func (u *faultUser) arn() string { return "arn:aws:iam::" + faultAccount + ":user/" + u.name }

// policy returns a key policy that allows everything to the root, and allows or denies everything to
// the user, or is silent about the user.
func (u *faultUser) policy(says string) string {
	const statement = `,{"Effect":%q,"Principal":{"AWS":%q},"Action":"kms:*","Resource":"*"}`
	more := ""
	switch says {
	case "allow":
		more = fmt.Sprintf(statement, "Allow", u.arn())
	case "deny":
		more = fmt.Sprintf(statement, "Deny", u.arn())
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + faultAccount + `:root"},"Action":"kms:*","Resource":"*"}` + more + `]}`
}

// permissionMix has each operation as often as workers choose it, in proportion.
var permissionMix = strings.Split(strings.Repeat("user PutKeyPolicy allow,", 6)+strings.Repeat("user Encrypt,", 8)+
	strings.Repeat("PutKeyPolicy deny,", 2)+strings.Repeat("PutKeyPolicy silent,", 2)+strings.Repeat("PutKeyPolicy allow,", 3)+
	strings.Repeat("CreateGrant,", 2)+strings.Repeat("RevokeGrant,", 2)+"SetIdentityState off,SetIdentityState on,SetIdentityState on", ",")

func (u *faultUser) choose() faultOp {
	text := permissionMix[mathrand.IntN(len(permissionMix))]
	name, detail, _ := strings.Cut(strings.TrimPrefix(text, "user "), " ")
	if strings.HasPrefix(text, "user ") {
		name = "user " + name
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if name == "RevokeGrant" {
		if len(u.grants) == 0 {
			return faultOp{name: "CreateGrant"}
		}
		detail = u.grants[max(0, len(u.grants)-1-mathrand.IntN(2))]
	}
	return faultOp{name, detail}
}

// do carries out an operation and adds it to the history. live is false if there is no server to
// answer.
func (u *faultUser) do(ctx context.Context, s *faultServer, op faultOp) (answer string, live bool) {
	as := s.credentials
	name, byUser := strings.CutPrefix(op.name, "user ")
	if byUser {
		as = u.credentials
	}
	target, in := "TrentService."+name, map[string]any{"KeyId": u.id}
	switch name {
	case "PutKeyPolicy":
		in["Policy"], in["BypassPolicyLockoutSafetyCheck"] = u.policy(op.alias), true
	case "CreateGrant":
		in["Name"], in["GranteePrincipal"], in["Operations"] = "g", u.arn(), []string{"Encrypt"}
	case "RevokeGrant":
		in["GrantId"] = op.alias
	case "Encrypt":
		in["Plaintext"] = []byte("x")
	case "SetIdentityState":
		target, in = "KeyholdAdmin."+name, map[string]any{"Kind": "user", "Name": u.name, "Enabled": op.alias == "on"}
	}
	called := int64(time.Since(faultEpoch))
	a, err := s.callAs(ctx, as, target, in)
	end := int64(time.Since(faultEpoch))
	u.mu.Lock()
	defer u.mu.Unlock()
	switch answer = answerOK; {
	case err != nil || a.status >= 500:
		if answer, end = answerUnknown, openEnd; name == "Encrypt" {
			return answer, err == nil // a read without a response says nothing
		}
	case a.status != 200:
		answer = a.kind
	case name == "CreateGrant":
		answer, _ = a.member("GrantId").(string)
		if !slices.Contains(u.grants, answer) {
			u.grants = append(u.grants, answer)
		}
	}
	u.history = append(u.history, porcupine.Operation{Input: op, Output: answer, Call: called, Return: end})
	return answer, err == nil
}

// check ends the open operations of the history and compares it with the model.
func (u *faultUser) check() error {
	now := int64(time.Since(faultEpoch))
	for i, op := range u.history {
		if op.Return == openEnd {
			u.history[i].Return = now
		}
	}
	if permissionHolds(u.initial, u.history) {
		return nil
	}
	slices.SortFunc(u.history, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	var text strings.Builder
	for _, op := range u.history {
		fmt.Fprintf(&text, "  %12d to %12d us: %v: %v\n", op.Call/1000, op.Return/1000, op.Input, op.Output)
	}
	return fmt.Errorf("not linearizable: the permission of %s on %s:\n%s", u.name, u.id, &text)
}

// These are the users of one server, and the operations before the server is killed.
const (
	permissionUsers   = 3
	permissionWorkers = 5
	permissionOps     = 60 // of each worker
)

// TestLinearizableRevocations gives permissions to users and revokes them while the users use them
// and change the key policy, and kills the server. All responses must fit an order of single
// operations, so no user uses or changes anything after a revocation. KEYHOLD_REVOCATIONS is the
// number of servers that are killed.
func TestLinearizableRevocations(t *testing.T) {
	t.Parallel()
	f := initFolder(t, buildProgram(t), filepath.Join(t.TempDir(), "data"))
	done := 0
	for round := range fromEnv("KEYHOLD_REVOCATIONS", 3) {
		s, err := f.serve(t)
		if err != nil {
			t.Fatal(err)
		}
		var users []*faultUser
		for i := range permissionUsers {
			u, err := newFaultUser(t.Context(), s, fmt.Sprintf("user-%d-%d", round, i))
			if err != nil {
				t.Fatal(err)
			}
			users = append(users, u)
		}
		work(t.Context(), s, users)
		if s, err = f.serve(t); err != nil {
			t.Fatal(err)
		}
		for _, u := range users {
			u.do(t.Context(), s, faultOp{name: "user Encrypt"})
			if err := u.check(); err != nil {
				t.Error(err)
			}
			done += len(u.history)
		}
		if err := s.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	if _, err := f.verify(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%d operations", done)
}

// work runs the workers of all users, and kills the server when the first worker is done.
func work(ctx context.Context, s *faultServer, users []*faultUser) {
	var all sync.WaitGroup
	var kill sync.Once
	for _, u := range users {
		for range permissionWorkers {
			all.Go(func() {
				for range permissionOps {
					answer, live := u.do(ctx, s, u.choose())
					if !live || answer == answerUnknown {
						return
					}
				}
				kill.Do(func() { s.end(syscall.SIGKILL) })
			})
		}
	}
	all.Wait()
	kill.Do(func() { s.end(syscall.SIGKILL) })
}
