package service

import "github.com/keyhold/keyhold/internal/policy"

// maxGathered is how many users and roles have their policies at hand.
const maxGathered = 10_000

// An entityAt is a user or role, by ARN and unique ID, at a serial number of its
// account, which whatever changes one of its identities raises: so the policies that are
// kept under it never go stale.
type entityAt struct {
	arn, id string
	serial  int64
}

// gathered returns the policies of a user or role if they are kept.
func (c *compiledPolicies) gathered(of entityAt) (policy.Documents, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	d, ok := c.entities[of]
	return d, ok
}

// keepGathered keeps the policies of a user or role.
func (c *compiledPolicies) keepGathered(of entityAt, d policy.Documents) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.entities[of]; there {
		return
	}
	if c.entities == nil {
		c.entities = map[entityAt]policy.Documents{}
	}
	if len(c.entities) >= maxGathered {
		c.dropEntity()
	}
	c.entities[of] = d
	for _, p := range policiesOf(d) {
		c.size += documentEntry
		c.hold(p, p.Size())
	}
	c.makeRoom()
}

func (c *compiledPolicies) dropEntity() {
	for of, d := range c.entities { // in no order
		delete(c.entities, of)
		for _, p := range policiesOf(d) {
			c.size -= documentEntry
			c.release(p)
		}
		return
	}
}

// policiesOf returns the policies of a user or role, of which one may be there twice.
func policiesOf(d policy.Documents) (all []*policy.Policy) {
	for _, i := range d.Identity {
		all = append(all, i.Policy)
	}
	if d.Boundary.Policy != nil {
		all = append(all, d.Boundary.Policy)
	}
	return all
}
