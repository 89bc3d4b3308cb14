package service

import (
	"strings"
	"testing"
)

// Every refusal of an administrative operation gives the true reason, which no policy can change.
// It does not say that a policy is missing.
func TestAdministrationSaysForWhomItIs(t *testing.T) {
	c := newAccessTest(t)
	c.user("bob")
	c.user("alice", with(c.identity("allow *")))
	for name, members := range administrations {
		for _, who := range []string{"bob", "alice", "other"} {
			err := c.as(who).asks(name, "", members)()
			if err == nil || !strings.HasSuffix(err.Error(), "because it is for the root of the deployment's account alone") {
				t.Errorf("%s by %s: %v", name, who, err)
			}
		}
	}
}
