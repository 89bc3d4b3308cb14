package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// Three nodes share a deployment whose root key and data key are replaced. A data key is used only when every node that
// may answer has it: a node that is cut off delays the rotation until it is taken over. A node dies during the rotation,
// another one joins late, and nothing is lost.
func TestSealOfNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		second := seal.NewEphemeralRoot()
		var clocks []*service.Clock
		networks := map[string]*storetest.Faulty{}
		open := func(id string, root seal.Root) *clusterNode {
			networks[id] = &storetest.Faulty{Backend: d.backend}
			clock := service.NewClock(time.Now)
			clocks = append(clocks, clock)
			return must[*clusterNode](t)(d.node(t, id, networks[id], shared, func(c *service.Config) {
				c.Root, c.Clock, c.DevAccount = root, clock, "111122223333"
				c.OpenCustody = func(string) (seal.Root, error) { return second, nil }
			}))
		}
		a, b, c := open("A", d.root), open("B", d.root), open("C", d.root)
		nodes := []*clusterNode{a, b, c}
		const keys = 120
		blobs := map[string][]byte{}
		for range keys {
			id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
			blobs[id] = must[any](t)(b.do("", "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte(id)})).(*api.EncryptResponse).CiphertextBlob
		}
		decrypts := func(nodes ...*clusterNode) {
			t.Helper()
			for _, n := range nodes {
				for id, blob := range blobs {
					out, err := n.do("", "Decrypt", &api.DecryptRequest{CiphertextBlob: blob})
					if err != nil || !bytes.Equal(out.(*api.DecryptResponse).Plaintext, []byte(id)) {
						t.Fatalf("key %s at node %s: %v", id, n.id, err)
					}
				}
			}
		}
		status := func(n *clusterNode) *api.SealStatusResponse {
			t.Helper()
			return must[any](t)(n.do("", "SealStatus", &api.SealStatusRequest{})).(*api.SealStatusResponse)
		}
		custodies := func(n *clusterNode) (text string) {
			t.Helper()
			for _, c := range status(n).Custodies {
				text += fmt.Sprintf("%s %v %v;", map[string]string{d.root.ID(): "first", second.ID(): "second"}[*c.CustodyId], c.Nodes, c.Lags)
			}
			return text
		}
		want := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		refused := func(n *clusterNode, operation string, in any, part string) {
			t.Helper()
			_, err := n.do("", operation, in)
			if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindConflict || !strings.Contains(e.Message, part) {
				t.Errorf("%s: %v", operation, err)
			}
		}
		refused(a, "SealRotate", &api.SealRotateRequest{Key: new("Data")}, "older version")
		time.Sleep(10 * time.Second)
		want(custodies(a), "first [A B C] false;")

		// One node moves to another custody.
		must[any](t)(a.do("", "SealMigrate", &api.SealMigrateRequest{To: new("second")}))
		time.Sleep(5 * time.Second)
		want(custodies(b), "first [B C] false;second [A] false;")
		refused(a, "SealMigrate", &api.SealMigrateRequest{From: new(d.root.ID())}, "node B does")

		// Each custody wraps a new root key when a node that uses the custody reads the keyring.
		out := must[any](t)(a.do("", "SealRotate", &api.SealRotateRequest{Key: new("Root")})).(*api.SealRotateResponse)
		if *out.Version != 2 || len(out.Lagging) != 1 || out.Lagging[0] != d.root.ID() {
			t.Errorf("%+v", out)
		}
		time.Sleep(5 * time.Second)
		want(custodies(b), "second [A] false;first [B C] false;")
		if v := *status(c).RootKey.Version; v != 2 {
			t.Errorf("root key %d", v)
		}

		// A node that is cut off and may come back delays the use of a new data key.
		networks["B"].Cut(true)
		must[any](t)(a.do("", "SealRotate", &api.SealRotateRequest{Key: new("Data")}))
		refused(c, "SealRotate", &api.SealRotateRequest{Key: new("Data")}, "still being sealed again")
		time.Sleep(8 * time.Second)
		if s := status(c); *s.Rotation.Phase != "waiting" || *s.DataKeys[0].State != "Sealing" {
			t.Errorf("%+v", s.Rotation)
		}
		decrypts(a, c)
		for range 600 { // until it is taken over
			time.Sleep(100 * time.Millisecond)
			if *status(c).Rotation.Phase == "resealing" {
				break
			}
		}
		networks["A"].Cut(true) // dies in the middle
		e := open("E", d.root)
		nodes = append(nodes, e)
		time.Sleep(60 * time.Second)
		decrypts(c, e)
		networks["B"].Cut(false)
		networks["A"].Cut(false)
		time.Sleep(5 * time.Second)
		for range 3 {
			if s := status(e); s.Rotation != nil && *s.Rotation.Phase != "resting" {
				t.Fatalf("%+v", s.Rotation)
			}
			for _, clock := range clocks {
				if err := clock.Advance(38 * time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(30 * time.Second)
		}
		if s := status(c); s.Rotation != nil || len(s.DataKeys) != 1 || *s.DataKeys[0].Version != 2 {
			t.Errorf("%+v", s)
		}
		decrypts(c, e)
		for _, n := range nodes {
			n.close()
		}
		d.verify(t)
	})
}
