package service

import (
	"sync"

	"github.com/keyhold/keyhold/internal/policy"
)

// maxCompiled bounds the texts of the policies that are kept compiled, in bytes.
const maxCompiled = 32 << 20

// compiledPolicies keeps policies compiled, by their text: so what is kept never
// goes stale, and each distinct text is compiled once.
type compiledPolicies struct {
	mu   sync.RWMutex
	size int
	kept map[policyText]*policy.Policy
}

type policyText struct {
	text string
	kind policy.Type
}

// get returns the policy of a text. Whoever asks must not go on without it.
func (c *compiledPolicies) get(text string, kind policy.Type) (*policy.Policy, error) {
	of := policyText{text, kind}
	c.mu.RLock()
	p := c.kept[of]
	c.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	p, err := policy.Parse(text, kind)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size += len(text); c.kept == nil || c.size > maxCompiled {
		c.kept, c.size = map[policyText]*policy.Policy{}, len(text) // starting over is seldom, and costs each in use one compilation
	}
	c.kept[of] = p
	return p, nil
}
