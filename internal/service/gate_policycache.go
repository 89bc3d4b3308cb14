package service

import (
	"math/rand/v2"
	"sync"

	"github.com/keyhold/keyhold/internal/policy"
)

// maxCompiled bounds the memory of the policies that are kept compiled, in bytes: about
// 160 of the largest ones, and ten thousand of those that people write.
const maxCompiled = 64 << 20

// compiledPolicies keeps compiled policies by their text, so that an entry never goes stale and
// each distinct text is compiled once. It also keeps the policies of each user and role
// together. A policy stays as long as either of the two maps has it.
type compiledPolicies struct {
	mu       sync.RWMutex
	texts    map[policyText]*policy.Policy
	entities map[entityAt]policy.Documents
	held     map[*policy.Policy]heldPolicy
	size     int // of everything in the cache, in bytes
}

type policyText struct {
	text string
	kind policy.Type
}

// A heldPolicy counts the entries that hold a policy, and has its size.
type heldPolicy struct{ times, size int }

// textEntry is the memory of an entry of texts, without the text and the policy. documentEntry
// is the memory of a document of a user or role, without the policy.
const textEntry, documentEntry = 128, 192

// get returns the policy of a text. A caller that gets an error must refuse the request.
func (c *compiledPolicies) get(text string, kind policy.Type) (*policy.Policy, error) {
	of := policyText{text, kind}
	if p := c.find(of); p != nil {
		return p, nil
	}
	p, err := policy.Parse(text, kind)
	if err != nil {
		return nil, err
	}
	return c.keep(of, p), nil
}

// bytes returns the memory of everything in the cache.
func (c *compiledPolicies) bytes() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.size
}

// find returns the policy of a text from the cache, or nil.
func (c *compiledPolicies) find(of policyText) *policy.Policy {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.texts[of]
}

// keep adds the policy of a text to the cache. If the cache already has a policy of the text,
// keep returns that policy.
func (c *compiledPolicies) keep(of policyText, p *policy.Policy) *policy.Policy {
	size := p.Size()
	c.mu.Lock()
	defer c.mu.Unlock()
	if there := c.texts[of]; there != nil {
		return there
	}
	if c.texts == nil {
		c.texts = map[policyText]*policy.Policy{}
	}
	c.texts[of] = p
	c.size += textEntry + len(of.text)
	c.hold(p, size)
	c.makeRoom()
	return p
}

// hold counts one more entry that holds a policy. The callers of hold, release, makeRoom,
// dropText and dropEntity hold c.mu.
func (c *compiledPolicies) hold(p *policy.Policy, size int) {
	if c.held == nil {
		c.held = map[*policy.Policy]heldPolicy{}
	}
	h := c.held[p]
	if h.times == 0 {
		h.size = size
		c.size += size
	}
	h.times++
	c.held[p] = h
}

func (c *compiledPolicies) release(p *policy.Policy) {
	h := c.held[p]
	if h.times--; h.times > 0 {
		c.held[p] = h
		return
	}
	c.size -= h.size
	delete(c.held, p)
}

// makeRoom drops single entries, chosen at random, until the rest is within the bound. So
// one tenant with many policies does not make all policies of others be compiled again.
func (c *compiledPolicies) makeRoom() {
	for c.size > maxCompiled {
		if rand.IntN(len(c.texts)+len(c.entities)) < len(c.texts) {
			c.dropText()
		} else {
			c.dropEntity()
		}
	}
}

func (c *compiledPolicies) dropText() {
	for of, p := range c.texts { // in no order
		delete(c.texts, of)
		c.size -= textEntry + len(of.text)
		c.release(p)
		return
	}
}

// maxKeptDocuments is the maximum number of users and roles whose policies are kept.
const maxKeptDocuments = 10_000

// An entityAt is a user or role, by ARN and unique ID, at a serial number of its account. Every
// change of an identity of the account raises the serial number, so the policies that are kept
// under an entityAt never go stale.
type entityAt struct {
	arn, id string
	serial  int64
}

// findDocuments returns the policies of a user or role from the cache.
func (c *compiledPolicies) findDocuments(of entityAt) (policy.Documents, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	d, ok := c.entities[of]
	return d, ok
}

// keepDocuments adds the policies of a user or role to the cache.
func (c *compiledPolicies) keepDocuments(of entityAt, d policy.Documents) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.entities[of]; there {
		return
	}
	if c.entities == nil {
		c.entities = map[entityAt]policy.Documents{}
	}
	if len(c.entities) >= maxKeptDocuments {
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

// policiesOf returns the policies of a user or role. A policy may appear twice.
func policiesOf(d policy.Documents) (all []*policy.Policy) {
	for _, i := range d.Identity {
		all = append(all, i.Policy)
	}
	if d.Boundary.Policy != nil {
		all = append(all, d.Boundary.Policy)
	}
	return all
}
