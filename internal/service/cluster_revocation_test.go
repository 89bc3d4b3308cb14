package service_test

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A clusterRevocation takes something away at one node and gives it back.
type clusterRevocation struct {
	object            func() clusterObject
	take, give, using string
}

var clusterRevocations = []clusterRevocation{
	{func() clusterObject { return &policedKey{} }, "DisableKey", "EnableKey", "Encrypt"},
	{func() clusterObject { return &policedKey{} }, "Deny", "Allow", "Encrypt"},
	{func() clusterObject { return &person{} }, "DenyAll", "AllowAll", "Encrypt"},
	{func() clusterObject { return &person{} }, "KeyOff", "KeyOn", "Encrypt"},
	{func() clusterObject { return &reimportedKey{} }, "DeleteImportedKeyMaterial", "ImportKeyMaterial", "Decrypt"},
	{func() clusterObject { return &grantedKey{} }, "RevokeGrant", "CreateGrant", "Encrypt"},
	{func() clusterObject { return &stage{} }, "Off", "On", "Encrypt"},
	{func() clusterObject { return &stage{} }, "RevokeSessions", "AssumeRole", "Encrypt"},
	{func() clusterObject { return &movedAlias{} }, "DeleteAlias", "CreateAlias", "Encrypt"},
}

// TestClusterRevocations takes something away at one of three nodes, while the others use it without a pause: no use
// that begins after the acknowledgement succeeds. The acknowledgement takes less than a second by the clock of the
// bubble, and less than 2.5 seconds if a node is cut off, stopped, or has a watch that died. KEYHOLD_CLUSTER is ten
// times the number of rounds.
func TestClusterRevocations(t *testing.T) {
	rounds := 40
	if n, err := strconv.Atoi(os.Getenv("KEYHOLD_CLUSTER")); err == nil {
		rounds = max(n/10, 2*len(clusterRevocations)) // one with a fault and one without, of each kind
	}
	for i, r := range clusterRevocations {
		t.Run(r.take, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShared(t, 0)
				o := r.object()
				o.prepare(t, s.nodes[0].clusterNode, "revoked")
				given := ""          // the request that has given last
				session := "session" // the request that has assumed the role last
				give := func(round int) {
					given = fmt.Sprint("give-", round)
					if r.give == "AssumeRole" {
						session = given
					}
					on := o.choose(r.give, s.n)
					_, err := o.send(s.nodes[0].clusterNode, clusterRequest{r.give, on, given})
					if err != nil {
						t.Fatal(err)
					}
				}
				switch o := o.(type) {
				case *stage:
					must[any](t)(o.send(s.nodes[0].clusterNode, clusterRequest{"AssumeRole", "", "session"}))
				case *grantedKey, *movedAlias:
					give(-1)
				}
				longest := [2]time.Duration{}
				var uses atomic.Int64
				for round := range (rounds + len(clusterRevocations) - 1 - i) / len(clusterRevocations) {
					calm := round%2 == 0
					heal := func() {}
					var clients sync.WaitGroup
					var acknowledged, end atomic.Bool
					for _, n := range s.nodes[1:] {
						clients.Go(func() {
							for !end.Load() {
								after := acknowledged.Load()
								_, err := o.send(n.clusterNode, clusterRequest{r.using, session, "use"})
								if err == nil && after {
									t.Errorf("round %d: used at %s after the acknowledgement", round, n.id)
								}
								if err == nil {
									uses.Add(1)
								}
								time.Sleep(7 * time.Millisecond)
							}
						})
					}
					time.Sleep(300 * time.Millisecond)
					if !calm {
						heal = s.afflict(s.nodes[2], round)
					}
					begun := time.Now()
					_, err := o.send(s.nodes[0].clusterNode, clusterRequest{r.take, given, fmt.Sprint("take-", round)})
					if err != nil {
						t.Fatal(err)
					}
					acknowledged.Store(true)
					took := time.Since(begun)
					longest[round%2] = max(longest[round%2], took)
					time.Sleep(1500 * time.Millisecond)
					heal()
					time.Sleep(500 * time.Millisecond)
					end.Store(true)
					clients.Wait()
					give(round)
				}
				if longest[0] > time.Second || longest[1] > 2500*time.Millisecond || uses.Load() == 0 {
					t.Errorf("%d uses; the acknowledgement took up to %v, and %v with a fault", uses.Load(), longest[0], longest[1])
				}
				t.Logf("%d uses; acknowledged within %v, and %v with a fault", uses.Load(), longest[0], longest[1])
				for _, n := range s.nodes {
					n.close()
				}
			})
		})
	}
}

// afflict disturbs a node until heal is called.
func (s *sharedScenario) afflict(n *sharedNode, round int) (heal func()) {
	switch round / 2 % 4 {
	case 0:
		n.net.Cut(true)
		return func() { n.net.Cut(false) }
	case 1:
		n.net.Mute(true)
		return func() { n.net.Mute(false) }
	case 2:
		n.suspend()
		return n.resume
	}
	n.net.Deafen()
	return func() {}
}
