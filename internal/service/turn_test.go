package service

import (
	"testing"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/key"
)

// A change of a key, or of the identities of an account, waits for its turn and delays no changes
// of other things.
func TestChangesTakeTurns(t *testing.T) {
	for name, of := range changingOperations {
		if of.onKey {
			c, _ := newInterruptibleTest(t)
			c.alice()
			on, members := of.prepare(c)
			c.waits("key/"+homeAccount+"/"+idOf(on), c.as("alice").asks(name, on, members...))
		}
	}
	for name, members := range administrations {
		if name == "SealMigrate" { // changes no identities
			continue
		}
		c, _ := newInterruptibleTest(t)
		c.alice()
		account := homeAccount
		if name == "PutAccount" {
			account = "555566667777"
		}
		c.waits("account/"+account, c.rootWithKey().asks(name, "", members))
	}
}

// waits checks that an attempt waits while another request changes the same thing, and that it
// does not wait for changes of other things.
func (c accessTest) waits(thing string, attempt attempt) {
	c.Helper()
	c.turns = admit.NewQueues(admit.Bounds{Places: 1}) // without room to wait
	for _, held := range []string{thing, "key/" + homeAccount + "/other", "account/" + otherAccount} {
		if err := c.turns.Enter(c.Context(), held, "somebody else"); err != nil {
			c.Fatal(err)
		}
	}
	c.wantRefusal(attempt(), key.KindThrottling, "Too many changes at a time")
	c.turns.Leave(thing)
	if err := attempt(); err != nil {
		c.Error(thing, err)
	}
	if n := c.turns.Len(); n != 2 {
		c.Errorf("%d things are held, and not the 2 of others", n)
	}
}
