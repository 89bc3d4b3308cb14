package service

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

func isThrottled(err error) bool {
	var e *key.Error
	return errors.As(err, &e) && e.Kind == key.KindThrottling
}

// The table has exactly the supported specs, and an effort for each.
func TestEfforts(t *testing.T) {
	served := map[key.Spec]bool{}
	for _, line := range strings.Split(key.SuiteTable(), "\n")[1:] {
		served[key.Spec(strings.Fields(line)[0])] = true
	}
	for spec := range served {
		if _, ok := effortsOf[spec]; !ok {
			t.Errorf("the table of efforts lacks %s", spec)
		}
	}
	for spec := range effortsOf {
		if !served[spec] {
			t.Errorf("the table of efforts has %s, which is not served", spec)
		}
	}
}

func TestExpensiveShares(t *testing.T) {
	for _, c := range []struct{ processors, brief, others int }{{1, 1, 1}, {2, 2, 1}, {3, 3, 2}, {8, 8, 7}} {
		e := newExpensive(c.processors, nil)
		for of, want := range map[effort]int{brief: c.brief, long: c.others, bulky: c.others, policies: c.others} {
			e.patience = patience
			for i := range want {
				if err := e.begin(t.Context(), of, "alice"); err != nil {
					t.Errorf("%d processors, effort %d: number %d of %d: %v", c.processors, of, i, want, err)
				}
			}
			e.patience = time.Millisecond
			if err := e.begin(t.Context(), of, "alice"); !isThrottled(err) {
				t.Errorf("%d processors, effort %d: more than %d computations at once (%v)", c.processors, of, want, err)
			}
		}
		if err := e.begin(t.Context(), cheap, "alice"); err != nil {
			t.Errorf("cheap work waits: %v", err)
		}
	}
}

// If all places are taken, a caller waits no longer than its context allows and no longer than
// patience. Cheap operations do not wait.
func TestGenerateWaitsItsTurn(t *testing.T) {
	var running atomic.Int64
	s := &Service{expensive: newExpensive(1, func(change int) { running.Add(int64(change)) })}
	c := &call{Service: s, ctx: t.Context()}
	if material, err := c.generate("RSA_2048"); err != nil || len(material) == 0 {
		t.Fatal(err)
	}
	if running.Load() != 0 {
		t.Errorf("%d computations run in the end", running.Load())
	}
	if err := s.expensive.begin(t.Context(), long, "alice"); err != nil || running.Load() != 1 {
		t.Fatalf("%v, %d running", err, running.Load())
	}
	s.expensive.patience = time.Millisecond
	if _, err := c.generate("RSA_2048"); !isThrottled(err) {
		t.Errorf("after all patience: %v", err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	c.ctx = stopped
	if _, err := c.generate("RSA_2048"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who went away: %v", err)
	}
	if material, err := c.generate("HMAC_256"); err != nil || len(material) == 0 {
		t.Error(err)
	}
	s.expensive.end(long)
	c.ctx = t.Context()
	s.expensive.patience = patience
	if material, err := c.generate("RSA_2048"); err != nil || len(material) == 0 {
		t.Error(err)
	}
}

// Many computations of one principal do not delay the turn of another.
func TestGenerationsTakeTurns(t *testing.T) {
	e := newExpensive(1, nil)
	if err := e.begin(t.Context(), long, "root"); err != nil {
		t.Fatal(err)
	}
	served := make(chan string)
	join := func(name string) {
		before := e.long.Waiting()
		go func() {
			if err := e.begin(t.Context(), long, name); err != nil {
				t.Error(err)
			}
			served <- name
			e.end(long)
		}()
		for e.long.Waiting() == before {
			time.Sleep(time.Millisecond)
		}
	}
	for range 8 {
		join("mallory")
	}
	join("bob")
	e.end(long)
	if first, second := <-served, <-served; first != "mallory" || second != "bob" {
		t.Errorf("served %s, %s, want mallory, bob", first, second)
	}
	for range 7 {
		<-served
	}
}

// Sessions of one role take turns under one name, because a caller can choose any session name.
func TestPayer(t *testing.T) {
	user := identity.User{Entity: identity.Entity{Account: "111122223333", Name: "alice", Path: "/"}}.Principal()
	role := identity.Role{Entity: identity.Entity{Account: "111122223333", Name: "app", Path: "/"}}
	one, other := role.Principal(&identity.Session{Name: "one"}), role.Principal(&identity.Session{Name: "other"})
	if payer(&user) != user.ARN || payer(&one) != payer(&other) || payer(&one) == payer(&user) || payer(&one) == "" {
		t.Errorf("the names are %q, %q and %q", payer(&user), payer(&one), payer(&other))
	}
}

// Listings wait for their turn, other cheap operations do not.
func TestListingsWait(t *testing.T) {
	s := openForTest(t)
	s.expensive = newExpensive(1, nil)
	if err := s.expensive.begin(t.Context(), bulky, "mallory"); err != nil {
		t.Fatal(err)
	}
	s.expensive.patience = time.Millisecond
	waits := func(name string, in any) bool {
		op, _ := s.Find(name)
		_, err := s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
		if err != nil && !isThrottled(err) {
			t.Fatal(err)
		}
		return err != nil
	}
	if !waits("ListKeys", &api.ListKeysRequest{}) || !waits("ListAliases", &api.ListAliasesRequest{}) {
		t.Error("a listing does not wait for its turn")
	}
	if waits("CreateKey", &api.CreateKeyRequest{}) || waits("GenerateRandom", &api.GenerateRandomRequest{NumberOfBytes: new(int32(8))}) {
		t.Error("a cheap operation waits for a turn")
	}
}

// The use of expensive keys, the validation of private keys in an import, and the generation of
// wrapping keys wait for their turn before they change anything.
func TestExpensiveUsesWait(t *testing.T) {
	s := &Service{expensive: newExpensive(1, nil)}
	for _, of := range []effort{brief, long, bulky} {
		if err := s.expensive.begin(t.Context(), of, "mallory"); err != nil {
			t.Fatal(err)
		}
	}
	s.expensive.patience = time.Millisecond
	c := &call{Service: s, ctx: t.Context()}
	for spec, of := range effortsOf {
		k := key.Key{Spec: spec}
		if of.using != cheap {
			if err := withCurrent(c, k, func(any) error { return nil }); !isThrottled(err) {
				t.Errorf("the use of %s: %v", spec, err)
			}
		}
		if of.accepting != cheap {
			if _, err := c.acceptMaterial(k, &api.ImportKeyMaterialRequest{}, nil); !isThrottled(err) {
				t.Errorf("the validation of %s: %v", spec, err)
			}
		}
		if of.making != cheap {
			if _, err := c.generate(spec); !isThrottled(err) {
				t.Errorf("the generation of %s: %v", spec, err)
			}
		}
	}
}

// An operation whose key pair is not generated in time is refused.
func TestOperationsWithoutTheirTurn(t *testing.T) {
	s := openForTest(t)
	do := func(name string, in any) (any, error) {
		op, _ := s.Find(name)
		return s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
	}
	made, err := do("CreateKey", &api.CreateKeyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	id, spec := made.(*api.CreateKeyResponse).KeyMetadata.KeyId, "RSA_2048"
	s.expensive = newExpensive(1, nil)
	if err := s.expensive.begin(t.Context(), long, "mallory"); err != nil {
		t.Fatal(err)
	}
	s.expensive.patience = time.Millisecond
	for name, in := range map[string]any{
		"GenerateDataKeyPair":                 &api.GenerateDataKeyPairRequest{KeyId: id, KeyPairSpec: &spec},
		"GenerateDataKeyPairWithoutPlaintext": &api.GenerateDataKeyPairWithoutPlaintextRequest{KeyId: id, KeyPairSpec: &spec},
		"CreateKey":                           &api.CreateKeyRequest{KeySpec: &spec, KeyUsage: new("SIGN_VERIFY")},
	} {
		if out, err := do(name, in); out != nil || !isThrottled(err) {
			t.Errorf("%s: %v, %v", name, out, err)
		}
	}
}
