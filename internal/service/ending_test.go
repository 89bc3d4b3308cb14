package service

import (
	"bytes"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// The end of a server destroys the material that it has opened.
func TestCloseDestroysOpenedMaterial(t *testing.T) {
	w := newWorkTest(t)
	s, end, err := w.open(t.Context(), copyOf(t, w.backend), w.now)
	if err != nil {
		t.Fatal(err)
	}
	root := accessTest{people{t, s}}.root()
	root.does("DescribeKey", root.key())
	k := root.stored(root.key())
	var kept *crypt.SymmetricKey
	m, err := crypt.NewMessage(crypt.BlobHeader{Account: k.Account, KeyID: k.ID, MaterialID: k.Materials[0].ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var blob []byte
	opens := func() error {
		opened, err := crypt.ParseMessage(blob, nil)
		if err == nil {
			_, err = opened.Decrypt(kept)
		}
		return err
	}
	err = material.With(t.Context(), s.materials, k, k.Materials[0], func(made *crypt.SymmetricKey) (err error) {
		kept = made
		blob, err = m.Encrypt(made, []byte("x"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := opens(); err != nil {
		t.Errorf("opened material does not stay open: %v", err)
	}
	if end(); opens() == nil {
		t.Error("opened material is there after the end")
	}
}

// The log names why last uses were not written, but a full disk has an entry of its own elsewhere.
func TestUsageThatIsNotWritten(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		full, put error
		want      bool
	}{
		"written": {}, "a full disk": {full: space.ErrFull}, "a broken store": {put: broken, want: true},
		"a disk that fills": {put: space.ErrFull},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newUsageFixture(t, 1)
			var log bytes.Buffer
			u := newKeyUsage(f.store, slog.New(slog.NewTextHandler(&log, nil)), func() error { return test.full },
				func(*store.Tx, []dueUsage) error { return test.put })
			u.note(usedPath(0), records.Usage{EventID: "e", Time: time.Now()})
			time.Sleep(usagePause + time.Second)
			synctest.Wait()
			if got := strings.Contains(log.String(), "were not written"); got != test.want {
				t.Errorf("%s: %s", name, &log)
			}
			if err := u.close(); errors.Is(err, broken) != test.want {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// A decision that is expensive is the same as one that is made at once. If the turn of the caller does not come, there
// is no decision.
func TestExpensiveDecisions(t *testing.T) {
	s := &Service{expensive: newExpensive(1, nil)}
	c := &call{Service: s, ctx: t.Context()}
	long := strings.Repeat("a", 8000)
	with := func(effect string) policy.Documents {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Principal":"*","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:username":[` +
			strings.TrimSuffix(strings.Repeat(`"*b?b*c",`, 400), ",") + `,"*a"]}}}]}`
		p, err := policy.Parse(text, policy.KeyPolicy)
		if err != nil {
			t.Fatal(err)
		}
		return policy.Documents{Resource: policy.Document{Name: "key policy", Policy: p}}
	}
	r := policy.Request{
		Principal: policyPrincipal(identity.User{Entity: identity.Entity{Account: homeAccount, Name: "alice", Path: "/"}}.Principal()),
		Action:    "kms:Decrypt", Resource: "arn:aws:kms:eu-west-2:111122223333:key/1", Owner: homeAccount, Time: time.Now(), Values: oneValue(long),
	}
	for effect, allowed := range map[string]bool{"Allow": true, "Deny": false} {
		d := with(effect)
		if _, ok := policy.DecideQuickly(r, d, nil); ok {
			t.Fatal("the decision is not expensive")
		}
		got, err := c.decideFairly(r, d, nil)
		if err != nil || got.Allowed != allowed || got.Explicit == allowed || !reflect.DeepEqual(got, policy.Decide(r, d, nil)) {
			t.Errorf("%s: %+v, %v", effect, got, err)
		}
	}
	if err := s.expensive.begin(t.Context(), policies, "mallory"); err != nil {
		t.Fatal(err)
	}
	s.expensive.patience = time.Millisecond
	got, err := c.decideFairly(r, with("Allow"), nil)
	if !isThrottled(err) || !reflect.DeepEqual(got, policy.Decision{}) {
		t.Errorf("without a turn: %+v, %v", got, err)
	}
}

// oneValue is the value of all condition keys.
type oneValue string

func (v oneValue) Values(string) []string { return []string{string(v)} }

// A replica may have material that waits for a rotation of a primary key that was rotated since. A listing omits it.
func TestPendingMaterialOfAReplica(t *testing.T) {
	c := newAccessTest(t)
	on := c.keyLike(`{"Origin":"EXTERNAL","MultiRegion":true}`)
	c.root().does("ImportKeyMaterial", on, c.importOf(on, make([]byte, 32)))
	c.root().does("ReplicateKey", on, `{"ReplicaRegion":"eu-west-10"}`)
	replica := strings.Replace(on, "eu-west-2", "eu-west-10", 1)
	list := func() (states []string) {
		out := c.inRegionOf(replica).does("ListKeyRotations", replica, `{"IncludeKeyMaterial":"ALL_KEY_MATERIAL"}`)
		for _, r := range out.(*api.ListKeyRotationsResponse).Rotations {
			states = append(states, *r.KeyMaterialState)
		}
		return states
	}
	before := list()
	c.changeKey(replica, func(k *key.Key) { k.Pending = &key.Material{ID: strings.Repeat("0", 64)} })
	if got := list(); !slices.Equal(got, before) {
		t.Errorf("the listing has the states %q, before %q", got, before)
	}
}
