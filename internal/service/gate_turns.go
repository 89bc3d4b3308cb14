package service

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/admit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

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

// largeBody is the size of a body, in bytes, from which on reading the request and
// auditing it can take longer than an ordinary request.
const largeBody = 2 << 10

// A Turn is the turn of a principal to have a large request read and decided. Large requests and
// decisions that take long have their turns in one queue. nil is the turn of a request
// that does not wait for one.
type Turn struct {
	expensive *expensive // nil once the turn is over
	refused   bool       // too many wait, or the turn did not come in time
}

// Queue waits until it is the turn of the caller, if the body of size bytes is large. The
// turn must be ended.
func (s *Service) Queue(ctx context.Context, c identity.Caller, size int) *Turn {
	if size < largeBody {
		return nil
	}
	if s.expensive.begin(ctx, policies, payer(&c.Principal)) != nil {
		return &Turn{refused: true}
	}
	return &Turn{expensive: s.expensive}
}

// End ends the turn, if it has not ended. A request ends its turn once it is decided, before
// it waits for anything else.
func (t *Turn) End() {
	if t.lasts() {
		t.expensive.end(policies)
		t.expensive = nil
	}
}

// lasts reports whether there is a turn that has not ended.
func (t *Turn) lasts() bool { return t != nil && t.expensive != nil }

// wasRefused reports whether a large request did not get its turn.
func (t *Turn) wasRefused() bool { return t != nil && t.refused }

// An effort says how long a computation takes a processor.
type effort int

// The efforts, as measured on a processor of 2024. Much of the effort of making a small key
// pair is due to crypt.Secretly, which notes each allocation.
const (
	cheap    effort = iota // at most a quarter of a millisecond: about as long as the rest of a request
	brief                  // at most 10 ms
	long                   // longer: up to seconds
	short                  // a millisecond, and much memory: listings, and the making of small pairs
	policies               // at most 5 ms: to read policies, and to decide by those that take long
)

var effortNames = []string{"cheap", "brief", "long", "short"}

// effortTable gives the effort of making material of a spec, of validating it in an
// import, and of its use.
const effortTable = `
spec                   make   accept  use
SYMMETRIC_DEFAULT      cheap  cheap   cheap
RSA_2048               long   long    brief
RSA_3072               long   long    brief
RSA_4096               long   long    brief
ECC_NIST_P256          short  cheap   cheap
ECC_NIST_P384          short  brief   brief
ECC_NIST_P521          short  brief   brief
ECC_SECG_P256K1        short  cheap   cheap
ECC_NIST_EDWARDS25519  short  cheap   cheap
HMAC_224               cheap  cheap   cheap
HMAC_256               cheap  cheap   cheap
HMAC_384               cheap  cheap   cheap
HMAC_512               cheap  cheap   cheap
ML_DSA_44              short  cheap   brief
ML_DSA_65              short  cheap   brief
ML_DSA_87              short  cheap   brief
ML_KEM_512             cheap  cheap   cheap
ML_KEM_768             cheap  cheap   cheap
ML_KEM_1024            cheap  cheap   cheap
`

// efforts are the efforts of the operations on one key spec.
type efforts struct{ making, accepting, using effort }

// effortsOf is the parsed effortTable. Nothing writes to effortsOf.
var effortsOf = parseEfforts(effortTable)

// parseEfforts reads the table. Broken text is a fault of the program and panics.
func parseEfforts(table string) map[key.Spec]efforts {
	all := map[key.Spec]efforts{}
	for _, line := range strings.Split(strings.TrimSpace(table), "\n")[1:] {
		f := strings.Fields(line)
		if len(f) != 4 {
			panic(fmt.Sprintf("service: not a line of the table of efforts: %q", line))
		}
		var of [3]effort
		for i, name := range f[1:] {
			if of[i] = effort(slices.Index(effortNames, name)); of[i] < 0 {
				panic(fmt.Sprintf("service: no effort %q", name))
			}
		}
		all[key.Spec(f[0])] = efforts{of[0], of[1], of[2]}
	}
	return all
}
