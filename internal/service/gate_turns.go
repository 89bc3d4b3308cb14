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

// changesAtOnce limits the changes that wait for one key, or for the identities of one account.
// One change runs at a time, because simultaneous changes would be in conflict. Principals take
// turns, so nobody delays a revocation by changing the key in a loop.
var changesAtOnce = admit.Bounds{Places: 1, PerName: 128, Total: 1024}

// takeTurn waits until it is the caller's turn to change the subject of the call.
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

// changes returns the subject of the call: a key with its related keys, the identities of an
// account, or "" for a new key.
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

// largeBody is the size of a body, in bytes, above which reading the request and auditing it
// can take longer than an ordinary request.
const largeBody = 2 << 10

// A Turn is the turn of a principal for one large request, to read and decide it. Large
// requests and slow decisions wait in one queue. nil is the turn of a request that does not
// wait.
type Turn struct {
	expensive *expensive // nil after the turn
	refused   bool       // too many requests wait, or the turn did not come in time
}

// Queue waits for the caller's turn if the body of size bytes is large. The caller must end the
// turn.
func (s *Service) Queue(ctx context.Context, c identity.Caller, size int) *Turn {
	if size < largeBody {
		return nil
	}
	if s.expensive.begin(ctx, policies, payer(&c.Principal)) != nil {
		return &Turn{refused: true}
	}
	return &Turn{expensive: s.expensive}
}

// End ends the turn, unless it has ended. A request ends its turn after its decision, before it
// waits for anything else.
func (t *Turn) End() {
	if t.lasts() {
		t.expensive.end(policies)
		t.expensive = nil
	}
}

// lasts reports whether the turn exists and has not ended.
func (t *Turn) lasts() bool { return t != nil && t.expensive != nil }

// wasRefused reports whether a large request did not get its turn.
func (t *Turn) wasRefused() bool { return t != nil && t.refused }

// An effort is a class of processor time that a computation takes.
type effort int

// The efforts, as measured on a processor of 2024. crypt.Secretly, which records each
// allocation, takes much of the time to generate a small key pair.
const (
	cheap    effort = iota // at most a quarter of a millisecond: about as long as the rest of a request
	brief                  // at most 10 ms
	long                   // longer: up to seconds
	bulky                  // a millisecond and much memory: listings, and the generation of small pairs
	policies               // at most 5 ms: to parse policies, and to decide with expensive ones
)

var effortNames = []string{"cheap", "brief", "long", "bulky"}

// effortTable lists for each key spec the effort of generating material, of validating it in an
// import, and of using it.
const effortTable = `
spec                   make   accept  use
SYMMETRIC_DEFAULT      cheap  cheap   cheap
RSA_2048               long   long    brief
RSA_3072               long   long    brief
RSA_4096               long   long    brief
ECC_NIST_P256          bulky  cheap   cheap
ECC_NIST_P384          bulky  brief   brief
ECC_NIST_P521          bulky  brief   brief
ECC_SECG_P256K1        bulky  cheap   cheap
ECC_NIST_EDWARDS25519  bulky  cheap   cheap
HMAC_224               cheap  cheap   cheap
HMAC_256               cheap  cheap   cheap
HMAC_384               cheap  cheap   cheap
HMAC_512               cheap  cheap   cheap
ML_DSA_44              bulky  cheap   brief
ML_DSA_65              bulky  cheap   brief
ML_DSA_87              bulky  cheap   brief
ML_KEM_512             cheap  cheap   cheap
ML_KEM_768             cheap  cheap   cheap
ML_KEM_1024            cheap  cheap   cheap
`

// efforts are the efforts of the operations on one key spec.
type efforts struct{ making, accepting, using effort }

// effortsOf is the parsed effortTable. Nothing writes to effortsOf.
var effortsOf = parseEfforts(effortTable)

// parseEfforts parses the table. It panics on a malformed table, which is a mistake in the
// program.
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
