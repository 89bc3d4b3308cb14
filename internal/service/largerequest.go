package service

import (
	"context"

	"github.com/keyhold/keyhold/internal/identity"
)

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
