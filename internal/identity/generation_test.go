package identity

import (
	"testing"
	"time"
)

// The end of sessions does not depend on the clocks of nodes.
func TestSessionsEndByGeneration(t *testing.T) {
	now := time.Now()
	var fresh, ended Entity
	ended.EndSessions(now)
	older := Entity{SessionsFrom: now} // ended by an older version of the program
	for _, test := range []struct {
		name   string
		entity Entity
		s      Session
		want   bool
	}{
		{"never ended", fresh, Session{Issued: now}, false},
		{"before, by a clock ahead", ended, Session{Issued: now.Add(time.Minute)}, true},
		{"after, by a clock behind", ended, Session{Issued: now.Add(-time.Minute), Generation: 1}, false},
		{"of a later generation", fresh, Session{Issued: now, Generation: 1}, true},
		{"before, of an older version", older, Session{Issued: now.Add(-1)}, true},
		{"after, of an older version", older, Session{Issued: now}, false},
	} {
		if got := test.entity.HasEnded(&test.s); got != test.want {
			t.Errorf("%s: ended %v", test.name, got)
		}
	}
}
