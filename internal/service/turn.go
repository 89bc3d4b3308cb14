package service

import "github.com/keyhold/keyhold/internal/admit"

// changesAtOnce bounds the changes that wait for one key, or for the identities of one
// account. One is carried out at a time, as two would only be in conflict, and
// principals take turns: so nobody keeps a revocation waiting by changing the key in a loop.
var changesAtOnce = admit.Bounds{Places: 1, PerName: 128, Total: 1024}

// takeTurn waits until it is the caller's turn to change what the call is about.
func (c *call) takeTurn() (leave func(), err error) {
	thing := c.changes()
	if thing == "" {
		return func() {}, nil
	}
	if err := c.turns.Enter(c.ctx, thing, payer(&c.Caller.Principal)); err != nil {
		return nil, err
	}
	return func() { c.turns.Leave(thing) }, nil
}

// changes returns what the call changes: a key with its related keys, the identities of
// an account, or "" for a new key.
func (c *call) changes() string {
	switch {
	case c.Operation.onIdentities:
		return "account/" + or(c.text(c.Input, "AccountId"), c.Caller.Principal.AccountID)
	case len(c.keys) == 0:
		return ""
	}
	k := c.key()
	return "key/" + k.Account + "/" + k.ID
}
