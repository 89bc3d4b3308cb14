package service

import (
	"sync"

	"github.com/keyhold/keyhold/internal/policy"
)

// maxGathered is how many users and roles have their policies at hand.
const maxGathered = 10_000

// gathered keeps the policies of users and roles together, as they are at a serial
// number of their account, which whatever changes one of them raises: so what is
// kept never goes stale.
type gathered struct {
	mu   sync.RWMutex
	kept map[entityAt]policy.Documents
}

// An entityAt is a user or role, by ARN and unique ID, at a serial number of its
// account.
type entityAt struct {
	arn, id string
	serial  int64
}

func (g *gathered) get(of entityAt) (policy.Documents, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	d, ok := g.kept[of]
	return d, ok
}

func (g *gathered) put(of entityAt, d policy.Documents) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.kept == nil || len(g.kept) >= maxGathered {
		g.kept = map[entityAt]policy.Documents{} // starting over costs each in use one gathering
	}
	g.kept[of] = d
}
