package service

import (
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// An effort says how long a computation takes a processor.
type effort int

// The efforts, as measured on a processor of 2024. Much of the effort of making a small
// pair is that of crypt.Secretly, which notes each allocation.
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

// efforts are those of one spec.
type efforts struct{ making, accepting, using effort }

// effortsOf is the parsed table, which is never written to.
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
